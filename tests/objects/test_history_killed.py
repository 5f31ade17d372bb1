"""Killed at every write of a removal and of an undo: the same again ends as if undisturbed, and nothing is lost."""

import itertools
import json
import pickle
import signal
import subprocess
import sys

import pytest

from modos import MODO

pytestmark = pytest.mark.thorough

CHILD = """
import json, os, signal, sys, threading, traceback
from modos import MODO
from modos.storage import Storage, open_storage
import modos.storage.backends.swift, modos.objects.editing.session, modos.objects.history.undoing
import aiohttp, modos.swift.filesystem # once for all children

lock, left = threading.Lock(), [0]

def tick():
    with lock:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def before(verb):
    original = getattr(Storage, verb)
    def deadly(self, *arguments, **options):
        tick()
        return original(self, *arguments, **options)
    setattr(Storage, verb, deadly)

def one_by_one(self, names):
    for name in names:
        tick()
        remove(self, [name])

remove = Storage.remove_many
for verb in ("put", "copy", "move"):
    before(verb)
Storage.remove_many = one_by_one

for line in sys.stdin:
    url, options, verb, argument, left[0] = json.loads(line)
    child = os.fork()
    if child == 0:
        try:
            getattr(MODO("", open_storage(url, storage_options=options)), verb)(argument)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

EDITS = {
    "removal": lambda modo, data: modo.remove_element("demo1"),
    "another file": lambda modo, data: modo.update_element("demo1", {"name": "again"}, data / "table.csv"),
    "another name": lambda modo, data: modo.update_element("demo1", {"data_path": "runs/x.cram"}),
    "another array": lambda modo, data: modo.add_array("demo1", [7], overwrite=True),
}


@pytest.fixture(scope="module")
def child():
    """A process that makes edits in children of its own, which die before the write whose number they are given."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:

        def edit(place, options, verb, argument, doomed=0):
            child.stdin.write(json.dumps([place.url, options, verb, argument, doomed]) + "\n")
            child.stdin.flush()
            return int(child.stdout.readline())

        yield edit
        child.stdin.close()


STEPS = {"local": 1, "swift": 4}
"""How many writes lie between two kills: each write of a service would take minutes, and other tests are about them."""


@pytest.fixture
def places(kind, make_storage, account):
    """Make places, with the options that open them in another process."""
    options = {"storage_url": account.server.storage_url, "token": account.token} if kind == "swift" else {}
    return lambda: (make_storage(kind), options)


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
def test_an_undo_can_be_killed_at_every_write(kind, edit, places, child, source):
    """Opened in between, the object is whole; the same undo again brings it back, and undoing that does the edit again."""
    template, options = places()
    MODO.from_file(source / "study.yaml", "", template)
    modo = MODO("", template)
    modo.add_array("demo1", [1, 2, 3])
    before = state(template)
    EDITS[edit](modo, source / "data")
    after = state(template)
    commit = modo.log(1)[0].id
    content = {str(path): template.read(path) for path in template.list()}
    for doomed in itertools.count(1, STEPS[kind]):
        place, options = places()
        put_all(content, place)
        outcome = child(place, options, "undo", commit, doomed)
        if outcome != 0:
            assert outcome == -signal.SIGKILL
            assert set(state(place)[0]) in (set(before[0]), set(after[0]))
            assert child(place, options, "undo", commit) == 0
        assert state(place) == before
        newest = next(each.id for each in MODO("", place).log() if each.undoes == commit)
        MODO("", place).undo(newest)
        assert state(place) == after
        if outcome == 0:
            break
    assert doomed > 4


@pytest.mark.parametrize("kind", STEPS)
def test_a_removal_can_be_killed_at_every_write(kind, places, child, source):
    """Removed again, it is gone; undone, all of it is back."""
    template, options = places()
    MODO.from_file(source / "study.yaml", "", template)
    MODO("", template).add_array("demo1", [1, 2, 3])
    before = state(template)
    content = {str(path): template.read(path) for path in template.list()}
    for doomed in itertools.count(1, STEPS[kind]):
        place, options = places()
        put_all(content, place)
        outcome = child(place, options, "remove_element", "demo1", doomed)
        if outcome != 0:
            assert outcome == -signal.SIGKILL
            child(place, options, "remove_element", "demo1")
        modo = MODO("", place)
        assert "data/demo1" not in modo.metadata
        assert [str(path) for path in modo.list_files()] == ["reference.fa", "reference.fa.fai"]
        modo.undo()
        assert state(place) == before
        if outcome == 0:
            break
    assert doomed > 4
