"""Killed at every write of a removal and of an undo: the same again ends as if undisturbed, and nothing is lost."""

import itertools
import pickle
import signal

import pytest

from modos import MODO

pytestmark = pytest.mark.thorough

EDITS_OF_CHILDREN = """
import modos.objects.history.undoing

EDITS = {
    "undo": lambda place, commit: MODO("", place).undo(commit),
    "remove": lambda place, element: MODO("", place).remove_element(element),
}
"""

EDITS = {
    "removal": lambda modo, data: modo.remove_element("demo1"),
    "another file": lambda modo, data: modo.update_element("demo1", {"name": "again"}, data / "table.csv"),
    "another name": lambda modo, data: modo.update_element("demo1", {"data_path": "runs/x.cram"}),
    "another array": lambda modo, data: modo.add_array("demo1", [7], overwrite=True),
}


STEPS = {"local": 1, "swift": 4}
"""How many writes lie between two kills: each write of a service would take minutes, and other tests are about them."""


def state(place) -> tuple[object, ...]:
    """Return all that is to be seen of an object."""
    modo = MODO("", pickle.loads(pickle.dumps(place)))  # which has not opened the hierarchy yet
    said = modo.metadata
    del said["ex"]["last_update_date"]
    arrays = {
        path: modo.zarr[path][...].tolist()
        for path, node in modo.zarr.members(max_depth=None)
        if hasattr(node, "shape")
    }
    return said, {str(path): place.read(path) for path in modo.list_files()}, arrays


def put_all(content: dict[str, bytes], place) -> None:
    for name, body in content.items():
        place.put(body, name)


@pytest.mark.parametrize(("kind", "edit"), [*(("local", edit) for edit in EDITS), ("swift", "another file")])
def test_an_undo_can_be_killed_at_every_write(kind, edit, openable, child, source):
    """Opened in between, the object is whole; the same undo again brings it back, and undoing that does the edit again."""
    template, options = openable(kind)
    MODO.from_file(source / "study.yaml", "", template)
    modo = MODO("", template)
    modo.add_array("demo1", [1, 2, 3])
    before = state(template)
    EDITS[edit](modo, source / "data")
    after = state(template)
    commit = modo.log(1)[0].id
    content = {str(path): template.read(path) for path in template.list()}
    for doomed in itertools.count(1, STEPS[kind]):
        place, options = openable(kind)
        put_all(content, place)
        outcome = child((place, options), "undo", commit, doomed=doomed)
        if outcome != 0:
            assert outcome == -signal.SIGKILL
            assert set(state(place)[0]) in (set(before[0]), set(after[0]))
            assert child((place, options), "undo", commit) == 0
        assert state(place) == before
        newest = next(each.id for each in MODO("", place).log() if each.undoes == commit)
        MODO("", place).undo(newest)
        assert state(place) == after
        if outcome == 0:
            break
    assert doomed > 4


@pytest.mark.parametrize("kind", STEPS)
def test_a_removal_can_be_killed_at_every_write(kind, openable, child, source):
    """Removed again, it is gone; undone, all of it is back."""
    template, options = openable(kind)
    MODO.from_file(source / "study.yaml", "", template)
    MODO("", template).add_array("demo1", [1, 2, 3])
    before = state(template)
    content = {str(path): template.read(path) for path in template.list()}
    for doomed in itertools.count(1, STEPS[kind]):
        place, options = openable(kind)
        put_all(content, place)
        outcome = child((place, options), "remove", "demo1", doomed=doomed)
        if outcome != 0:
            assert outcome == -signal.SIGKILL
            child((place, options), "remove", "demo1")
        modo = MODO("", place)
        assert "data/demo1" not in modo.metadata
        assert [str(path) for path in modo.list_files()] == ["reference.fa", "reference.fa.fai"]
        modo.undo()
        assert state(place) == before
        if outcome == 0:
            break
    assert doomed > 4
