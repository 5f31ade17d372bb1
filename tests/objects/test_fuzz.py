"""Descriptions and attributes of any kind: they are taken whole, or refused by an error that names the place.

What is refused changes nothing on disk, what is taken can be read again, and says nothing new a second time.
"""

import csv
import datetime as dt
import enum
import io
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modos import MODO, LocalStorage
from modos.errors import InvalidInputError, ModosError
from modos.model.schema import CLASSES, DESCRIBABLE, ELEMENT_KINDS, ENUMS, SLOTS
from modos.objects.checks.examination import check_object

COUNT = int(os.environ.get("MODOS_FUZZ_EXAMPLES", "80"))
"""How many examples of each kind there are: another number for a longer look."""

pytestmark = pytest.mark.thorough

often = settings(
    max_examples=COUNT,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

IDS = st.sampled_from(["s1", "s2", "a1", "d1", "r1", "ex", "new", "sample/s1", "assay/a1"])
HOSTILE = st.sampled_from(
    [
        "",
        " ",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "data.zarr",
        "data.zarr/zarr.json",
        "zarr.json",
        ".modos/x",
        "~",
        "é" * 130,
        "x" * 300,
        "x" * 5000,
        "\x00",
        "a\nb",
        "\ud800",
        "\u202e",
        "null",
        "{}",
        "C:\\x",
        "file:///etc/passwd",
        "x|zip:y",
        "x/",
        "x//y",
        "reads.fastq",
        "reads.fastq/inside",
        "2024-13-01",
        "2024-01-17T25:00",
        "9999-12-31T23:59:59+00:00",
        "0000-01-01",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | HOSTILE
    | IDS
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)


class Colour(enum.Enum):
    RED = 1


PYTHON = st.sampled_from(
    [
        b"bytes",
        {"a", "set"},
        object(),
        object,
        Colour.RED,
        dt.date(2024, 1, 17),
        dt.datetime.max.replace(tzinfo=dt.UTC),
        dt.timedelta(1),
        1j,
        Path("x"),
        range(3),
        ("s1", ("s2",)),
        {1: 2},
        [[]],
        Ellipsis,
        len,
    ]
)


def likely(slot: str) -> st.SearchStrategy[object]:
    """Values that the schema may well take for a slot."""
    found = SLOTS[slot]
    if found.range in ENUMS:
        one = st.sampled_from(list(ENUMS[found.range]))
    elif found.range == "datetime":
        one = st.datetimes().map(lambda when: when.isoformat())
    elif found.target or found.identifier:
        one = IDS
    elif slot == "data_path":
        one = st.sampled_from(["reads.fastq", "x.fa", "dir/x.bam", "dir"])
    else:
        one = st.sampled_from(["NCBITaxon:9606", "UBERON:0000955", "https://example.org/x", "a1b2", "17"])
    return one | st.lists(one, max_size=3) if found.multivalued else one


def slots_of(class_name: str, nasty: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Attributes of a class, most of them likely."""
    slots = {slot: st.one_of(likely(slot), likely(slot), likely(slot), nasty) for slot in CLASSES[class_name].slots}
    needed = sorted(CLASSES[class_name].required)
    whole = st.fixed_dictionaries(
        {slot: slots[slot] for slot in needed}, optional={slot: slots[slot] for slot in slots if slot not in needed}
    )
    partial = st.fixed_dictionaries({}, optional=slots)
    strange = st.dictionaries(st.text(max_size=4) | st.just("id"), nasty, max_size=2)
    return st.one_of(whole, whole, whole, partial, st.builds(dict.__or__, whole, strange))


def elements(nasty: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Elements, and the object, with a type that may be wrong."""
    types = st.sampled_from([*DESCRIBABLE, "Sample", "Assay", "DataEntity"])
    typed = types.flatmap(
        lambda name: st.builds(lambda slots, said: {"@type": said, **slots}, slots_of(name, nasty), st.just(name))
    )
    return st.one_of(typed, typed, typed, typed, st.builds(lambda slots, said: {**slots, "@type": said}, typed, nasty))


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "source_file": st.sampled_from(["reads.fastq", "x.fa", "folder", "none"]) | HOSTILE,
        "part_of": IDS | HOSTILE,
    },
)
ENTRIES = st.builds(lambda element, args: {"element": element, "args": args}, elements(JSON), st.just({}) | ARGUMENTS)
OBJECT = st.just(
    {"element": {"@type": "MODO", "id": "ex", "creation_date": "2024-01-17", "last_update_date": "2024-01-17"}}
)
DOCUMENTS = st.lists(ENTRIES | JSON.filter(lambda value: not isinstance(value, str)), max_size=2) | st.tuples(
    st.one_of(OBJECT, OBJECT, ENTRIES), st.lists(ENTRIES, max_size=4)
).map(lambda parts: [parts[0], *parts[1]])


def as_yaml(document: object) -> str:
    return yaml.safe_dump(document, sort_keys=False)


def as_rows(document: list[object]) -> str:
    """The elements of a description as a table, as far as they go into one."""
    rows = [each["element"] for each in document if isinstance(each, dict) and isinstance(each.get("element"), dict)]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        cells = [row.get(column, "") for column in columns]
        writer.writerow(["|".join(map(str, cell)) if isinstance(cell, list) else cell for cell in cells])
    return out.getvalue()


WRITERS: dict[str, Callable[[object], str]] = {".yaml": as_yaml, ".json": json.dumps, ".csv": as_rows}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where descriptions are: files to add beside them, and an object to work on copies of."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "reads.fastq").write_bytes(b"@r\nA\n+\nI\n")
    (folder / "x.fa").write_bytes(b">a\nACGT\n")
    (folder / "x.fa.fai").write_bytes(b"a\t4\t3\t4\t5\n")
    (folder / "folder").mkdir()
    (folder / "folder/inside").write_bytes(b"x")
    modo = MODO.create(folder / "ex", creation_date="2024-01-17")
    modo.add_element({"@type": "Sample", "id": "s1", "name": "Sample 1"})
    modo.add_element({"@type": "Assay", "id": "a1", "omics_type": "GENOMICS", "has_sample": "s1"}, part_of="ex")
    reads = {"@type": "DataEntity", "id": "d1", "data_format": "FASTQ", "data_path": "reads.fastq"}
    modo.add_element(reads, folder / "reads.fastq", part_of="a1")
    return folder


def content(folder: Path) -> dict[str, bytes | None]:
    """Return all that is in a directory, directories as `None`."""
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


def outcome(act: Callable[[], object], place: Path, names: tuple[str, ...]) -> bool:
    """Try an edit: tell whether it was made. Refused, it names the place and leaves everything as it was."""
    before = content(place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            act()
    except ModosError as error:
        told = "\n".join([str(error), *getattr(error, "__notes__", ())])
    else:
        return True
    places = (*names, "ex: ", *(f"{kind}/" for kind in ELEMENT_KINDS), str(place))
    assert any(name in told for name in places), f"no place in {told}"
    assert len(told) < 20_000
    assert content(place) == before
    return False


def is_right(place: Path) -> None:
    """Insist that an object opens, and that nothing it says is wrong."""
    modo = MODO(place)
    said = modo.metadata
    json.dumps(said, allow_nan=False, ensure_ascii=False).encode()
    codes = {
        "schema",
        "wrong-link",
        "unreadable-root",
        "unconsolidated",
        "missing-group",
        "stale-group",
        "missing-kind",
    }
    found = check_object(LocalStorage(place), depth="listing").findings
    assert [str(each) for each in found if each.code in codes] == []


@often
@given(document=DOCUMENTS, suffix=st.sampled_from([*WRITERS]), onto=st.booleans())
def test_descriptions(folder, document, suffix, onto):
    """A description is taken whole, and then says nothing new a second time; or nothing of it is, for a reason."""
    try:
        text = WRITERS[suffix](document).encode()
    except (ValueError, yaml.YAMLError):  # what this format cannot hold
        return
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        place = Path(scratch, "ex")
        if onto:
            shutil.copytree(folder / "ex", place)
        description = folder / f"study{suffix}"
        description.write_bytes(text)
        if outcome(lambda: MODO.from_file(description, place), Path(scratch), (str(description),)):
            is_right(place)
            before = content(place)
            MODO.from_file(description, place)
            assert content(place) == before


@often
@given(
    text=st.binary(max_size=60) | st.text("[]{}:,-\"' \n\tab@|>&*!%1.#~", max_size=60).map(str.encode),
    suffix=st.sampled_from([*WRITERS, ".tsv"]),
)
def test_texts(folder, text, suffix):
    """What is no description is an error that names the file."""
    description = folder / f"text{suffix}"
    description.write_bytes(text)
    with tempfile.TemporaryDirectory(dir=folder) as scratch, pytest.raises(InvalidInputError, match="text") as caught:
        MODO.from_file(description, Path(scratch, "ex"))
    assert str(description) in "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])


@often
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["s1", "a1", "d1", "ex", "sample/s1", "new"]), elements(JSON | PYTHON), st.booleans()
        ),
        min_size=1,
        max_size=4,
    ),
    part_of=st.none() | IDS | HOSTILE,
)
def test_attributes(folder, steps, part_of):
    """Attributes of any kind, added or set, are taken whole or change nothing."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        place = Path(scratch, "ex")
        shutil.copytree(folder / "ex", place)
        modo = MODO(place)
        for name, slots, adding in steps:
            if adding:
                act = lambda slots=slots: modo.add_element(slots, part_of=part_of)  # noqa: E731 - one of two
            else:
                slots = {slot: value for slot, value in slots.items() if slot not in {"id", "@type"}}  # noqa: PLW2901
                act = lambda name=name, slots=slots: modo.update_element(name, slots, part_of=part_of)  # noqa: E731
            if outcome(
                act, place, ("without an id", "@type", name, repr(part_of), *map(repr, slots), *map(str, slots))
            ):
                is_right(place)
                assert MODO(place).metadata == modo.metadata


class Silent:
    """An object that cannot even be shown."""

    def __repr__(self):
        raise RuntimeError


def nested(depth: int) -> list[object]:
    inner: list[object] = []
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "value",
    [10**5000, [10**5000], nested(100_000), Silent(), [Silent()], {"a": nested(500)}],
    ids=["long", "long in a list", "deep", "silent", "silent in a list", "deep in a mapping"],
)
@pytest.mark.parametrize("slot", ["name", "collector", "id", "@type", "has_sample"])
def test_values_that_cannot_be_shown(tmp_path, value, slot):
    """Numbers too long for any text, nesting without end, and objects that cannot be shown are refused like all else."""
    modo = MODO.create(tmp_path / "ex")
    before = content(tmp_path)
    with pytest.raises(ModosError, match=r"id|Assay|@type|'x'|/x|the element"):
        modo.add_element({"@type": "Assay", "id": "x", slot: value})
    with pytest.raises(ModosError):
        modo.add_element({"@type": "Sample", "id": "x", 10**5000: value})
    with pytest.raises(ModosError):
        modo.add_element(value)
    assert content(tmp_path) == before
