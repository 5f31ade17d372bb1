"""Killed at every write of an encryption, a decryption, a sharing: the file is there as the object says; again, it ends."""

import itertools
import signal
from types import SimpleNamespace

import pytest

from modos import MODO
from modos.encryption import format_secret_key, generate_key

pytestmark = pytest.mark.thorough

EDITS_OF_CHILDREN = """
import cryptography.hazmat.primitives.ciphers.aead, modos.objects.encryption.sealing, modos.objects.encryption.sharing
from modos.storage.parts.swift import SwiftParts

EDITS = {
    "encrypt": lambda place, keys: MODO("", place).encrypt(f"{keys}/ada.pub"),
    "decrypt": lambda place, keys: MODO("", place).decrypt(f"{keys}/ada"),
    "reshare": lambda place, keys: MODO("", place).reshare(add=f"{keys}/bob.pub", secret_key=f"{keys}/ada"),
}
before(SwiftParts, "_replace_beginning")
"""

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
def test_it_can_be_killed_at_every_write(work, openable, child, people, described):
    """SIGKILL before the first write, the second, and so on until there are no more."""
    kind, edit = work.split()
    template, options = openable(kind)
    modo = MODO.create("", template, id="ex")
    modo.add_element({"@type": "DataEntity", "id": "data", "data_format": "BAM"}, people.folder / "data.bam")
    if edit != "encrypt":
        modo.encrypt(people.ada.public)
    start = described(template)
    ends = "" if edit == "decrypt" else ".c4gh"
    for doomed in itertools.count(1):
        place, options = openable(kind)
        for name, body in start.items():
            place.put(body, name)
        outcome = child((place, options), edit, people.folder, doomed=doomed)
        check(MODO("", place), people.ada)
        if outcome == 0:
            break
        assert outcome == -signal.SIGKILL
        assert child((place, options), edit, people.folder) == 0
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
