"""The command line in this process and in one of its own, and the same places on disk, in S3 and in Swift."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modos import MODO
from modos.cli import main


@dataclass(frozen=True)
class Result:
    """What a command line came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def modos(capsys):
    """Run a command line in this process."""

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def modos_process():
    """Run a command line in a process of its own."""

    def run(*arguments: object, **options) -> Result:
        command = [sys.executable, "-m", "modos", *map(_text, arguments)]
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 60, **options}
        done = subprocess.run(command, check=False, **options)
        return Result(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())

    return run


def _text(argument: object) -> str | bytes:
    return argument if isinstance(argument, bytes) else str(argument)


@dataclass
class Place:
    """Somewhere objects can be: an address, the options that go with it, and a look behind the scenes."""

    kind: str
    url: str
    options: tuple[str, ...] = ()
    look: object = field(default=None, repr=False)

    def __truediv__(self, name: str) -> str:
        return f"{self.url}/{name}"

    def content(self) -> dict[str, object]:
        """Return everything that is stored there."""
        return self.look()


def _files(directory: Path) -> dict[str, object]:
    return {str(path): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


@pytest.fixture(params=["local", "s3", "swift"])
def place(request, tmp_path, account, monkeypatch) -> Place:
    """An empty place of each kind in turn, with credentials in the environment."""
    if request.param == "local":
        directory = tmp_path / "objects"
        directory.mkdir()
        return Place("local", str(directory), (), lambda: _files(directory))
    container = account.container()

    def stored() -> dict[str, object]:
        return {each["name"]: each["hash"] for each in json.loads(account.ask("GET", f"/{container}?format=json")[2])}

    sign_in(request.param, account, monkeypatch)
    options = ("--endpoint", account.server.s3_endpoint) if request.param == "s3" else ()
    return Place(request.param, f"{request.param}://{container}", options, stored)


def sign_in(kind: str, account, monkeypatch) -> None:
    """Put the credentials of the test server into the environment."""
    names = {
        "s3": {"AWS_ACCESS_KEY_ID": account.server.user, "AWS_SECRET_ACCESS_KEY": account.server.key},
        "swift": {"OS_STORAGE_URL": account.server.storage_url, "OS_AUTH_TOKEN": account.token},
    }
    for name, value in names[kind].items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def ex(tmp_path) -> Path:
    """An object `ex` on this disk with an assay, a sample and a file."""
    reads = tmp_path / "reads.fastq"
    reads.write_text("@r1\nACGT\n+\nIIII\n")
    modo = MODO.create(tmp_path / "ex", id="ex", name="Pilot")
    modo.add_element({"@type": "Assay", "id": "assay1", "omics_type": "GENOMICS"}, part_of="ex")
    modo.add_element({"@type": "Sample", "id": "s1", "sex": "Male"})
    modo.add_element({"@type": "DataEntity", "id": "reads", "data_format": "FASTQ"}, reads, part_of="assay1")
    modo.add_array("reads", [[1, 2], [3, 4]], "lengths")
    return tmp_path / "ex"


@pytest.fixture
def clean_environment() -> dict[str, str]:
    """The environment of a process, without anything that would colour or trace its output."""
    unwanted = {"FORCE_COLOR", "MODOS_DEBUG", "NO_COLOR", "PYTHONWARNINGS"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}
