"""What the tests of digital objects share: an object to work on, files to add, and a record of what is written."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from modos import MODO
from modos.storage import OWN_ROOT, Storage
from modos.testing import Proxy

STUDY = """
- element: {id: ex, "@type": MODO, description: "Example", creation_date: "2024-01-17T00:00:00",
            last_update_date: "2024-01-17T00:00:00", has_assay: assay1}
- element: {id: assay1, "@type": Assay, name: Assay 1, omics_type: GENOMICS, has_data: demo1}
- element: {id: demo1, "@type": DataEntity, name: Demo 1, data_format: CRAM, has_reference: reference1, has_sample: sample1}
  args: {source_file: data/demo1.cram}
- element: {id: reference1, "@type": ReferenceGenome, name: Reference 1, data_path: reference.fa}
  args: {source_file: data/reference1.fa}
- element: {id: sample1, "@type": Sample, name: Sample 1, collector: Foo university, sex: Male}
"""


@pytest.fixture(params=["local", "s3", "swift"])
def place(request, make_storage) -> Storage:
    """An empty storage of every kind that objects are kept on, in turn."""
    return make_storage(request.param)


@pytest.fixture
def source(tmp_path) -> Path:
    """A directory with files to add, index files beside them, and a description that names some of them."""
    folder = tmp_path / "source"
    (folder / "data/counts.zarr/0").mkdir(parents=True)
    (folder / "study.yaml").write_text(STUDY)
    for name in (
        "demo1.cram",
        "demo1.cram.crai",
        "reference1.fa",
        "reference1.fa.fai",
        "reads.bam",
        "reads.bai",
        "calls.vcf",
        "reads.fastq.gz",
        "table.csv",
        "counts.zarr/zarr.json",
        "counts.zarr/0/c",
    ):
        (folder / "data" / name).write_bytes(f"content of {name}\n".encode() * 3)
    return folder


@pytest.fixture
def two(account, container, tmp_path) -> Iterator[tuple[MODO, Proxy]]:
    """An object in Swift with two files, reached through a proxy, and that."""
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, "ex", storage_url=proxy.through(account.server.storage_url))
        modo = MODO.create("", storage, id="ex")
        for name in ("one.fastq", "two.fastq"):
            (tmp_path / name).write_text("@r1\nACGT\n+\nIIII\n")
            modo.add_element({"@type": "DataEntity", "id": name[:3], "data_format": "FASTQ"}, tmp_path / name)
        yield modo, proxy


@pytest.fixture
def data(source) -> Path:
    """Where the files to add are."""
    return source / "data"


@pytest.fixture
def modo(place) -> MODO:
    """An object `ex` with two samples and an assay, on every storage in turn."""
    modo = MODO.create("ex", place)
    modo.add_element({"@type": "Sample", "id": "sample1", "name": "Sample 1", "sex": "Male"})
    modo.add_element({"@type": "Sample", "id": "sample2", "name": "sample1", "description": "sample/sample1"})
    modo.add_element(
        {"@type": "Assay", "id": "assay1", "omics_type": ["GENOMICS"], "has_sample": ["sample1", "sample2"]},
        part_of="ex",
    )
    return modo


@pytest.fixture
def entity() -> Callable[..., dict[str, object]]:
    """Make the description of a data element; other slots by name."""

    def entity(name: str = "demo1", /, **slots: object) -> dict[str, object]:
        return {"@type": "DataEntity", "id": name, "data_format": "CRAM", **slots}

    return entity


@pytest.fixture
def content() -> Callable[[Storage], dict[str, bytes]]:
    """Read all that is stored, log and trash as well, name to content."""

    def content(storage: Storage) -> dict[str, bytes]:
        return {str(path): storage.read(path) for path in storage.list()}

    return content


@pytest.fixture
def described(content) -> Callable[[Storage], dict[str, bytes]]:
    """Read all that is stored but log and trash, name to content."""

    def described(storage: Storage) -> dict[str, bytes]:
        return {name: body for name, body in content(storage).items() if not name.startswith(f"{OWN_ROOT}/")}

    return described


@pytest.fixture
def writes(monkeypatch) -> SimpleNamespace:
    """Record what is written to any storage, in `names`, and call `hook(number, name)` before each write."""
    record = SimpleNamespace(names=[], hook=lambda number, name: None)
    numbers = itertools.count(1)

    def watch(verb, name_of):
        original = getattr(Storage, verb)

        def watched(self, *arguments, **options):
            name = name_of(arguments)
            record.names.append(name)
            record.hook(next(numbers), name)
            return original(self, *arguments, **options)

        monkeypatch.setattr(Storage, verb, watched)

    watch("put", lambda arguments: str(arguments[1]))
    watch("copy", lambda arguments: str(arguments[1]))
    watch("remove_many", lambda arguments: f"- {', '.join(map(str, arguments[0]))}")
    watch("remove_tree", lambda arguments: f"- {arguments[0] if arguments else ''}/")
    return record


DOOMED = """
import json, os, signal, sys, threading, traceback
from modos import MODO
from modos.storage import Storage, open_storage
import aiohttp, modos.objects.editing.session, modos.storage.backends.swift, modos.swift.filesystem # once for all children

lock, left = threading.Lock(), [0]

def tick():
    with lock:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def before(owner, verb):
    original = getattr(owner, verb)
    def deadly(self, *arguments, **options):
        tick()
        return original(self, *arguments, **options)
    setattr(owner, verb, deadly)

def one_by_one(self, names):
    for name in names:
        tick()
        remove(self, [name])

remove, remove_tree = Storage.remove_many, Storage.remove_tree
for verb in ("put", "copy", "move"):
    before(Storage, verb)
Storage.remove_many = one_by_one
Storage.remove_tree = lambda self, name: (one_by_one(self, list(self.list(name))), remove_tree(self, name))

%s
for line in sys.stdin:
    url, options, edit, argument, left[0] = json.loads(line)
    child = os.fork()
    if child == 0:
        try:
            EDITS[edit](open_storage(url, storage_options=options), argument)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def child(request) -> Iterator[Callable[..., int]]:
    """A process that makes edits in children of its own, which die before the write whose number they are given.

    The module that is tested says in `EDITS_OF_CHILDREN` what `EDITS` are: functions of a storage and of one more argument.
    Its exit code is returned; `before(owner, verb)` there makes something else a write.
    """
    program = DOOMED % request.module.EDITS_OF_CHILDREN
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def edit(place: tuple[Storage, dict[str, str]], name: str, argument: object = None, *, doomed: int = 0) -> int:
            storage, options = place
            told = None if argument is None else str(argument)
            process.stdin.write(json.dumps([storage.url, options, name, told, doomed]) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield edit
        process.stdin.close()


@pytest.fixture
def openable(make_storage, account) -> Callable[[str], tuple[Storage, dict[str, str]]]:
    """Make empty storages of a kind, each with the options that open it in another process."""

    def make(kind: str) -> tuple[Storage, dict[str, str]]:
        options = {"storage_url": account.server.storage_url, "token": account.token} if kind == "swift" else {}
        return make_storage(kind), options

    return make
