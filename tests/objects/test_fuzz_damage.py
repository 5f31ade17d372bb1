"""Documents of an object damaged in any way: it opens or says what is wrong and where, and nothing changes on disk."""

import hashlib
import json
import os
import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modos import MODO
from modos.errors import ModosError

COUNT = int(os.environ.get("MODOS_FUZZ_DAMAGES", "80"))
"""How many documents are damaged: another number for a longer look."""

pytestmark = pytest.mark.thorough

ROOT = Path("data.zarr/zarr.json")
GROUPS = [ROOT, *(Path("data.zarr", group, "zarr.json") for group in ("sample/s1", "data/d1", "data/d1/data", "assay"))]

NONSENSE = (
    None,
    True,
    0,
    -1,
    3,
    10**400,
    1.5,
    float("nan"),
    float("-inf"),
    "",
    "a/b/../c",
    "\ud800",
    "x\x00y",
    "sample/s1",
    "v" * 5000,
    [],
    {},
    [[]],
    ["s1", 5],
    [{"@type": "Sample"}],
    {"": {}},
    {"attributes": {"id": "ex"}},
    {"node_type": "group", "zarr_format": 3},
)
KEYS = (
    "",
    "id",
    "@type",
    "sample/s1",
    "sample/",
    "/",
    "sample/a\ud800",
    "..",
    "x/y/z",
    "zarr.json",
    "attributes",
    "\x00",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """An object with elements of several kinds, links, a file and an array."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "reads.fastq").write_bytes(b"@r\nA\n+\nI\n")
    modo = MODO.create(folder / "ex", creation_date="2024-01-17")
    modo.add_element({"@type": "Sample", "id": "s1", "name": "Sample 1", "taxon_id": "NCBITaxon:9606"})
    modo.add_element({"@type": "Assay", "id": "a1", "omics_type": "GENOMICS", "has_sample": "s1"}, part_of="ex")
    reads = {"@type": "DataEntity", "id": "d1", "data_format": "FASTQ", "has_sample": ["s1"]}
    modo.add_element(reads, folder / "reads.fastq", part_of="a1")
    modo.add_array("data/d1", np.arange(4))
    return folder / "ex"


def nodes(document: object, found: list[tuple[object, object]] | None = None) -> list[tuple[object, object]]:
    """Return every place in a JSON document as what holds it and the key or index there."""
    found = [] if found is None else found
    if isinstance(document, dict | list):
        for key, value in document.items() if isinstance(document, dict) else enumerate(document):
            found.append((document, key))
            nodes(value, found)
    return found


def flip(body: bytes, dice: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(dice.choice((1, 1, 2, 8))):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(body: bytes, dice: random.Random) -> bytes:
    return body[: dice.randrange(len(body))]


def lose(body: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(body))
    return body[:start] + body[start + dice.randrange(1, 200) :]


def repeat(body: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(body))
    return body[:start] + body[max(0, start - dice.randrange(1, 200)) :]


def replace(body: bytes, dice: random.Random) -> bytes:
    document = json.loads(body)
    for _ in range(dice.choice((1, 1, 1, 3))):
        holder, key = dice.choice(nodes(document))
        holder[key] = dice.choice(NONSENSE)
    return json.dumps(document).encode()


def remove(body: bytes, dice: random.Random) -> bytes:
    document = json.loads(body)
    holder, key = dice.choice(nodes(document))
    del holder[key]
    return json.dumps(document).encode()


def rename(body: bytes, dice: random.Random) -> bytes:
    document = json.loads(body)
    holder, key = dice.choice([each for each in nodes(document) if isinstance(each[0], dict)])
    holder[dice.choice(KEYS)] = holder.pop(key)
    return json.dumps(document).encode()


def double(body: bytes, dice: random.Random) -> bytes:
    """The same key twice, once with another value."""
    document = json.loads(body)
    holder, key = dice.choice([each for each in nodes(document) if isinstance(each[0], dict)])
    holder["\x1a"] = dice.choice(NONSENSE)
    return json.dumps(document).replace('"\\u001a"', json.dumps(key)).encode()


def nest(body: bytes, dice: random.Random) -> bytes:
    depth = dice.choice((50, 2000, 100_000))
    text = "[" * depth + "]" * depth if dice.random() < 0.5 else '{"a":' * depth + "1" + "}" * depth
    document = json.loads(body)
    holder, key = dice.choice(nodes(document))
    holder[key] = "\x1a"
    return json.dumps(document).replace('"\\u001a"', text).encode()


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip,
    cut,
    lose,
    repeat,
    replace,
    replace,
    replace,
    remove,
    remove,
    rename,
    double,
    nest,
)


SEEN = (222, 496, 527, 729)
"""Seeds that have found something, which are tried each time: arrays that were refused left a document behind."""


def digest(folder: Path) -> str:
    """Return one digest of all names and contents, so that nothing can change unseen."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path.relative_to(folder)}\0{path.is_dir()}\0".encode("utf-8", "surrogateescape"))
        found.update(b"" if path.is_dir() else hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


DESCRIPTION = """
- element: {"@type": MODO, id: ex, description: other}
- element: {"@type": Sample, id: s1, sex: Male}
- element: {"@type": Sample, id: s2}
"""


def looks(folder: Path) -> dict[str, Callable[[], object]]:
    """What only looks: it may fail, and never write."""
    return {
        "open": lambda: MODO(folder),
        "metadata": lambda: MODO(folder).metadata,
        "contents": lambda: MODO(folder).show_contents(),
        "arrays": lambda: MODO(folder).list_arrays(),
        "files": lambda: (MODO(folder).list_files(), MODO(folder).list_samples()),
        "verify": lambda: MODO(folder).verify(deep=True),
    }


def edits(folder: Path, description: Path) -> dict[str, Callable[[], object]]:
    """What writes: it may fail, and then leaves everything as it was."""
    return {
        "update": lambda: MODO(folder).update_element("sample/s1", {"name": "other"}),
        "add": lambda: MODO(folder).add_element({"@type": "Sample", "id": "s3"}, part_of="a1"),
        "array": lambda: MODO(folder).add_array("data/d1", np.arange(2), "more"),
        "from_file": lambda: MODO.from_file(description, folder),
        "remove": lambda: MODO(folder).remove_element("s1"),
    }


def attempt(name: str, act: Callable[[], object], folder: Path) -> bool:
    """Do something with a damaged object; tell whether it went well, and insist on how it may fail."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            act()
    except ModosError as error:
        told = "\n".join([str(error), *getattr(error, "__notes__", ())])
    else:
        return True
    places = (str(folder), "sample/", "data/", "assay/", "s1", "d1", "a1", "'ex'")
    assert any(place in told for place in places), f"{name} names no place: {told}"
    assert len(told) < 20_000, f"{name} says too much"
    return False


@pytest.mark.parametrize("chunk", range(min(COUNT, 4)))
def test_damaged_documents(whole, tmp_path, chunk):
    """Opening, looking, checking and editing a damaged object end well or in an error of modos that names the place."""
    from modos.objects.checks.examination import check_object
    from modos.storage import LocalStorage

    description = tmp_path / "study.yaml"
    description.write_text(DESCRIPTION)
    folder = tmp_path / "ex"
    for seed in (*SEEN[chunk::4], *range(chunk, COUNT, 4)):
        dice = random.Random(seed)
        target = ROOT if dice.random() < 0.7 else dice.choice(GROUPS)
        damage = dice.choice(DAMAGES)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        if target != ROOT and dice.random() < 0.7:  # then groups are read one by one
            root = json.loads((folder / ROOT).read_bytes())
            del root["consolidated_metadata"]
            (folder / ROOT).write_text(json.dumps(root))
        (folder / target).write_bytes(damage((folder / target).read_bytes(), dice))
        what = f"{damage.__name__} of {target}, seed {seed}"
        before = digest(folder)
        opened = [attempt(f"{name} after {what}", act, folder) for name, act in looks(folder).items()]
        report = check_object(LocalStorage(folder))
        assert digest(folder) == before, f"looking after {what} has written"
        assert opened[0] or not report.is_clean, f"check finds nothing after {what}, and it does not open"
        json.dumps(report.as_dict(), allow_nan=False).encode()
        for name, act in edits(folder, description).items():
            before = digest(folder)
            if attempt(f"{name} after {what}", act, folder):
                MODO(folder)
            else:
                assert digest(folder) == before, f"{name} after {what} has failed and changed something"
