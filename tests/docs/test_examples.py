"""Every example of the documentation runs: Python, commands, and the files that they speak of.

The blocks of a page share one directory, one namespace and one Swift with an empty container `omics`, which is a bucket in
S3 as well, for other users. A block with a title that names a file is that file. What a page shows as output is compared,
`...` standing for anything; what writes to standard output has its output shown.
"""

import doctest
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from modos.cli import main
from modos.testing import SwiftServer

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
NOT_RUN = {"sh", "text", "xml"}
"""Languages of blocks that show something, or what is done once on a machine: installing, exporting variables."""

PRINTS = "prints"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    title: str | None
    body: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    assert len(FENCE.findall(text)) * 2 == len(re.findall(r"^ *```", text, re.MULTILINE)), f"{page}: an odd block"
    for found in FENCE.finditer(text):
        body = re.sub(rf"^{found['indent']}", "", found["body"], flags=re.MULTILINE)
        yield Block(found["language"], found["title"], body, text.count("\n", 0, found.start()) + 2)


@pytest.fixture(scope="module")
def server() -> Iterator[SwiftServer]:
    with SwiftServer(accounts={"lab": {"me": "secret"}, "bucket": {"me": "secret"}}) as server:
        yield server


@pytest.fixture
def reader(server, tmp_path, monkeypatch):
    """Stand where a reader stands: in an empty directory, with credentials in the environment."""
    from modos import S3Storage, SwiftStorage
    from modos.swift import SwiftFileSystem

    SwiftFileSystem.clear_instance_cache()  # fsspec keeps those that have read another environment
    server.wipe()
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "OS_STORAGE_URL": server.storage_url,
        "OS_AUTH_TOKEN": server.token(),
        "AWS_ENDPOINT_URL": server.s3_endpoint,
        "AWS_ACCESS_KEY_ID": "bucket:me",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    SwiftStorage("swift://omics").filesystem.mkdir("omics")
    S3Storage("s3://omics").filesystem.call_s3("create_bucket", Bucket="omics")
    yield
    SwiftFileSystem.clear_instance_cache()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(page, reader, server, capsys):
    """What a page shows, a reader can do, and sees what the page says."""
    namespace = {"__name__": "__main__"}
    for block, following in pairwise([*blocks(page), None]):
        place = f"{page.relative_to(ROOT)}, line {block.line}"
        shown = following.body if following is not None and following.title == PRINTS else ""
        assert not shown or block.language == "python", f"{place}: what follows is the output of no Python"
        if block.title == PRINTS:
            continue
        if block.title is not None:
            Path(block.title).parent.mkdir(parents=True, exist_ok=True)
            Path(block.title).write_text(block.body, encoding="utf-8")
        elif block.language == "python":
            source = block.body.replace("https://swift.example.org/v1/AUTH_lab", server.storage_url)
            source = source.replace("https://swift.example.org", server.url).replace(
                "https://s3.example.org", server.url
            )
            code = compile("\n" * (block.line - 1) + source, page, "exec")
            exec(code, namespace)
            assert_shown(shown, capsys.readouterr().out, place)
        elif block.language == "console":
            for command, output in commands(block.body):
                arguments = shlex.split(command)
                assert arguments[0] == "modos", f"{place}: {command}"
                code = main(arguments[1:])
                written = capsys.readouterr()
                assert code == 0 or output.startswith("modos: "), f"{place}: {command}\n{written.err}"
                assert_shown(output, written.out or (output and written.err), f"{place}: {command}")
        else:
            assert block.language in NOT_RUN, f"{place}: {block.language} is neither run nor known"


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each with the output that is shown for it."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command = f"{command[:-1]} {more.removeprefix('> ')}"
        yield command, output


def assert_shown(expected: str, actual: str, place: str) -> None:
    """Compare output with what a page shows."""
    matches = doctest.OutputChecker().check_output(expected.strip() + "\n", actual.strip() + "\n", FLAGS)
    assert matches, f"{place}\nshows:\n{expected}\nbut this was written:\n{actual}"


def test_no_page_names_a_machine():
    """Pages speak of nobody's directories and hosts."""
    for page in PAGES:
        assert not re.search(
            r"/(home|root|work|Users|tmp)/|127\.0\.0\.1|localhost:\d", page.read_text(encoding="utf-8")
        ), page
