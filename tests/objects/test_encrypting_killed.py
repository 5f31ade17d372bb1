"""Killed at every write of an encryption, a decryption, a sharing: the file is there as the object says; again, it ends."""

import itertools
import json
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from modos import MODO
from modos.encryption import format_secret_key, generate_key

pytestmark = pytest.mark.thorough

CHILD = """
import json, os, signal, sys, threading, traceback
from modos import MODO
from modos.storage import Storage, open_storage
import modos.storage.backends.swift, modos.objects.encryption.sealing, modos.objects.encryption.sharing
import aiohttp, cryptography.hazmat.primitives.ciphers.aead, modos.swift.filesystem # once for all children
from modos.storage.parts.swift import SwiftParts

EDITS = {
    "encrypt": lambda modo, keys: modo.encrypt(f"{keys}/ada.pub"),
    "decrypt": lambda modo, keys: modo.decrypt(f"{keys}/ada"),
    "reshare": lambda modo, keys: modo.reshare(add=f"{keys}/bob.pub", secret_key=f"{keys}/ada"),
}
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

remove = Storage.remove_many
before(Storage, "put")
before(Storage, "copy")
before(SwiftParts, "_replace_beginning")
Storage.remove_many = one_by_one

for line in sys.stdin:
    url, options, keys, edit, left[0] = json.loads(line)
    child = os.fork()
    if child == 0:
        try:
            EDITS[edit](MODO("", open_storage(url, storage_options=options)), keys)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def child():
    """A process that works in children of its own, which die before the write whose number they are given."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def work(place, options, keys, edit, doomed=0):
            process.stdin.write(json.dumps([place.url, options, str(keys), edit, doomed]) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield work
        process.stdin.close()


@pytest.fixture
def places(make_storage, account):
    """Make places of a kind, with the options that open them in another process."""

    def make(kind):
        options = {"storage_url": account.server.storage_url, "token": account.token} if kind == "swift" else {}
        return make_storage(kind), options

    return make


CONTENT = {"data.bam": bytes(range(256)) * 1100, "data.bam.bai": b"an index"}


@pytest.fixture
def people(tmp_path):
    """A directory with the keys of two people, and what is to be encrypted."""
    keys = {name: generate_key() for name in ("ada", "bob")}
    for name, key in keys.items():
        (tmp_path / name).write_text(format_secret_key(key), encoding="ascii")
        (tmp_path / f"{name}.pub").write_text(str(key.public), encoding="ascii")
    for name, body in CONTENT.items():
        (tmp_path / name).write_bytes(body)
    return SimpleNamespace(folder=tmp_path, **keys)


@pytest.mark.parametrize("work", ["local encrypt", "local decrypt", "swift encrypt", "swift reshare"])
def test_it_can_be_killed_at_every_write(work, places, child, people, content):
    """SIGKILL before the first write, the second, and so on until there are no more."""
    kind, edit = work.split()
    template, options = places(kind)
    modo = MODO.create("", template, id="ex")
    modo.add_element({"@type": "DataEntity", "id": "data", "data_format": "BAM"}, people.folder / "data.bam")
    if edit != "encrypt":
        modo.encrypt(people.ada.public)
    start = content(template)
    ends = "" if edit == "decrypt" else ".c4gh"
    for doomed in itertools.count(1):
        place, options = places(kind)
        for name, body in start.items():
            place.put(body, name)
        outcome = child(place, options, people.folder, edit, doomed)
        check(MODO("", place), people.ada)
        if outcome == 0:
            break
        assert outcome == -signal.SIGKILL
        assert child(place, options, people.folder, edit) == 0
        found = MODO("", place)
        check(found, people.bob if edit == "reshare" else people.ada)
        assert {str(path) for path in found.list_files()} == {f"{name}{ends}" for name in CONTENT}
    assert doomed > 3


def check(modo, key):
    """Assert that the file and its index are there as the object says, and can be read by a key."""
    name = modo.metadata["data/data"]["data_path"]
    assert name in {"data.bam", "data.bam.c4gh"}
    with modo.unlock(key).open("data") as file:
        assert file.read() == CONTENT["data.bam"]
    assert modo._readable().read("data.bam.bai") == CONTENT["data.bam.bai"]
    assert modo.verify(deep=True).is_sound
