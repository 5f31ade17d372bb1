"""Killed at every write: the object opens and is valid, or is not there; the same edit again ends as if undisturbed."""

import hashlib
import itertools
import json
import signal
from pathlib import Path

import pytest

from modos import MODO
from modos.errors import ElementExistsError, ObjectNotFoundError
from modos.model import links_of
from modos.storage import ROOT_DOCUMENT

pytestmark = pytest.mark.thorough

EDITS_OF_CHILDREN = """
EDITS = {
    "create": lambda place, source: MODO.create("", place, id="ex", creation_date="2024-01-17"),
    "add_element": lambda place, source: MODO("", place).add_element(
        {"@type": "DataEntity", "id": "new", "data_format": "CRAM", "data_path": "new.cram"},
        f"{source}/data/demo1.cram", part_of="assay1"),
    "from_file": lambda place, source: MODO.from_file(f"{source}/study.yaml", "", place),
    "from_file anew": lambda place, source: MODO.from_file(f"{source}/changed.yaml", "", place),
    "update_element": lambda place, source: MODO("", place).update_element(
        "demo1", {"name": "again"}, f"{source}/data/table.csv"),
    "rename": lambda place, source: MODO("", place).update_element("demo1", {"data_path": "b/renamed.cram"}),
    "remove_element": lambda place, source: MODO("", place).remove_element("demo1"),
    "add_array": lambda place, source: MODO("", place).add_array("sample1", [[1, 2], [3, 4]]),
}
"""

CHANGED = """
- element: {id: ex, "@type": MODO, name: Changed, has_assay: [assay1, assay2]}
- element: {id: assay1, "@type": Assay, has_data: [new], has_sample: sample1}
- element: {id: assay2, "@type": Assay, omics_type: PROTEOMICS, has_sample: sample2}
- element: {id: new, "@type": DataEntity, data_format: BAM}
  args: {source_file: data/reads.bam}
- element: {id: sample1, "@type": Sample, name: renamed}
- element: {id: sample2, "@type": Sample, name: Sample 2}
"""

NEW = {"create", "from_file"}
SURVIVES_AFTER = {
    "create": 6,
    "add_element": 5,
    "from_file": 14,
    "from_file anew": 16,
    "update_element": 4,
    "rename": 6,
    "remove_element": 6,
    "add_array": 3,
}
"""How many writes an edit has at least, so that the test cannot pass by killing none of them."""


def undated(content: dict[str, bytes]) -> dict[str, object]:
    """Return what is stored, documents parsed, without the dates and names of changes."""

    def forget(value):
        if isinstance(value, dict):
            return {key: forget(each) for key, each in value.items() if key not in {"last_update_date", "modos"}}
        return value

    return {name: forget(json.loads(body)) if name.endswith("zarr.json") else body for name, body in content.items()}


def check(modo: MODO, *, replacing: str = "") -> None:
    """Assert that all links resolve and every element has its file with the recorded checksum."""
    said = modo.metadata
    for attributes in said.values():
        assert all(str(link.target) in said for link in links_of(attributes))
        if "data_path" in attributes:
            body = modo.storage.read(attributes["data_path"])
            recorded = attributes.get("data_checksum")
            assert recorded in {None, hashlib.blake2b(body).hexdigest()} or attributes["data_path"] == replacing


@pytest.mark.parametrize("edit", SURVIVES_AFTER)
@pytest.mark.parametrize("kind", ["local", "swift"])
def test_an_edit_can_be_killed_at_every_write(kind, edit, openable, child, source, described):  # noqa: PLR0917 - fixtures
    """SIGKILL before the first write, the second, and so on until there are no more."""
    (source / "changed.yaml").write_text(CHANGED)
    template, options = openable(kind)
    if edit not in NEW:
        MODO.from_file(source / "study.yaml", "", template)
        MODO("", template).add_array("demo1", [1, 2, 3])
    start = described(template)
    assert child((template, options), edit, source) == 0
    expected = undated(described(template))
    assert expected != undated(start)
    for doomed in itertools.count(1):
        place, options = openable(kind)
        for name, body in start.items():
            place.put(body, name)
        outcome = child((place, options), edit, source, doomed=doomed)
        if outcome == 0:
            break
        assert outcome == -signal.SIGKILL
        check_killed(place, edit, start, source, described)
        made = undated(described(place)).get(ROOT_DOCUMENT) == expected[ROOT_DOCUMENT]
        if made and edit == "add_array":
            with pytest.raises(ElementExistsError):
                MODO("", place).add_array("sample1", [[1, 2], [3, 4]])
        else:
            assert child((place, options), edit, source) == 0
        check(MODO("", place))
        left = {"demo1.cram", "demo1.cram.crai"} if edit == "rename" else set()
        found = undated(described(place))
        if made and edit == "add_array":
            left |= {name for name in found if "/__writer__." in name}  # the claim of a killed one, for a while
        assert {name: found[name] for name in found if name not in left} == expected
    assert doomed > SURVIVES_AFTER[edit]


def check_killed(place, edit, start, source: Path, described) -> None:
    """Assert that a killed edit has left a valid object, or none."""
    try:
        modo = MODO("", place)
    except ObjectNotFoundError:
        assert edit in NEW
        return
    check(modo, replacing="demo1.cram" if edit == "update_element" else "")
    if edit == "update_element":
        whole = {start["demo1.cram"], (source / "data/table.csv").read_bytes()}
        assert described(place)["demo1.cram"] in whole
