"""The promises about names and addresses: what is refused, what is kept as it is, what makes two storages the same.

Owns those tests. Must not know any backend.
"""

import pickle
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest

from modos.errors import InvalidInputError, InvalidPathError
from modos.storage import Storage
from modos.testing._conformance.suite import BODY, NAMES, REFUSED, StorageSuite, listed

__all__ = ["AddressTests", "NameTests"]

_READS: dict[str, Callable[[Storage, str], object]] = {
    "exists": lambda storage, name: storage.exists(name),
    "stat": lambda storage, name: storage.stat(name),
    "open": lambda storage, name: storage.open(name),
    "read": lambda storage, name: storage.read(name),
    "read_ranges": lambda storage, name: storage.read_ranges(name, [(0, 1)]),
    "sign": lambda storage, name: storage.sign(name, expires_in=60),
    "url_of": lambda storage, name: storage.url_of(name),
    "/": lambda storage, name: storage / name,
}

_WRITES: dict[str, Callable[[Storage, str], object]] = {
    "put": lambda storage, name: storage.put(b"refused", name),
    "copy from": lambda storage, name: storage.copy(name, "target"),
    "copy to": lambda storage, name: storage.copy("neighbour", name),
    "move from": lambda storage, name: storage.move(name, "target"),
    "move to": lambda storage, name: storage.move("neighbour", name),
    "remove": lambda storage, name: storage.remove(name),
    "remove_many": lambda storage, name: storage.remove_many(["neighbour", name]),
}


class AddressTests(StorageSuite):
    """Names, addresses, and storages as values."""

    @pytest.mark.parametrize("name", REFUSED)
    def test_names_that_mean_no_file_are_refused_by_every_verb(self, storage: Storage, name: str) -> None:
        """Empty, absolute, `..`, `.`, `//`, NUL, no Unicode: InvalidPathError, and nothing has changed."""
        self.put_raw(storage, "neighbour", BODY)
        for verb, call in (_READS if storage.read_only else _READS | _WRITES).items():
            with pytest.raises(InvalidPathError) as caught:
                call(storage, name)
            assert caught.value.path == name, verb
        assert listed(storage) == ["neighbour"]
        assert storage.read("neighbour") == BODY

    @pytest.mark.parametrize("name", [None, 5, b"demo", ["demo"]])
    def test_what_is_no_name_at_all_is_refused_by_every_verb(self, storage: Storage, name: Any) -> None:  # noqa: ANN401 - of any wrong type
        """Bytes, numbers and nothing are an InvalidInputError that says what a name may be."""
        for verb in (_READS if storage.read_only else _READS | _WRITES).values():
            with pytest.raises(InvalidInputError, match="text or a path"):
                verb(storage, name)

    @pytest.mark.parametrize("name", ["..", "/absolute", "../outside", "two//slashes", "nul\0", "lone\ud800surrogate"])
    def test_directories_outside_the_storage_are_refused_when_they_are_named(self, storage: Storage, name: str) -> None:
        """Listing and removing refuse such a directory at the call, not at the first name."""
        removes = () if storage.read_only else (storage.remove_tree,)
        for verb in (storage.list, storage.list_dir, storage.scan, *removes):
            with pytest.raises(InvalidPathError):
                verb(name)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_that_another_program_wrote_is_found(self, storage: Storage, name: str) -> None:
        """What is stored by other means is listed, found and read under its own name."""
        if name in self.refused_names:
            with pytest.raises(InvalidPathError):
                storage.read(name)
            return
        self.put_raw(storage, name, BODY)
        assert listed(storage) == [name]
        assert storage.exists(name)
        assert storage.read(name) == BODY

    def test_a_storage_beneath_a_storage(self, storage: Storage) -> None:
        """`storage / directory` sees what is beneath the directory and nothing of a neighbour that begins alike."""
        self.put_raw(storage, "demo1/sub/a.txt", b"one")
        self.put_raw(storage, "demo10/b.txt", b"ten")
        beneath = storage / "demo1"
        assert listed(beneath) == ["sub/a.txt"]
        assert listed(beneath / "sub") == ["a.txt"]
        assert beneath.read("sub/a.txt") == b"one"
        assert beneath == storage / PurePosixPath("demo1")
        assert beneath != storage
        assert beneath.url == storage.url_of("demo1")

    def test_the_path_of_a_storage_ends_as_its_address_does(self, storage: Storage) -> None:
        """`path` is the root as a path, and grows with `/`."""
        assert (storage / "study" / "ex").path == storage.path / "study" / "ex"

    def test_a_storage_pickles(self, storage: Storage) -> None:
        """A storage that has been used arrives in another process as an equal one that works."""
        self.put_raw(storage, "demo.txt", BODY)
        assert storage.exists("demo.txt")
        arrived = pickle.loads(pickle.dumps(storage))  # noqa: S301 - our own pickle
        assert arrived == storage
        assert hash(arrived) == hash(storage)
        assert arrived.read("demo.txt") == BODY

    def test_storages_compare_by_address_and_options(self, storage: Storage) -> None:
        """The same address and options are equal; another directory, and anything else, is not."""
        assert storage / "ex" == storage / "ex"
        assert len({storage / "ex", storage / "ex", storage / "other"}) == len(["ex", "other"])
        assert storage != storage.url

    def test_a_storage_shows_its_address_and_no_secret(self, storage: Storage) -> None:
        """`repr` has the URL; neither it nor the message of an error shows a key or token."""
        with pytest.raises(FileNotFoundError) as caught:
            storage.stat("missing")
        assert storage.url in repr(storage)
        for secret in self.secrets:
            assert secret not in repr(storage)
            assert secret not in f"{caught.value} {storage.url}"


class NameTests(StorageSuite):
    """Names of what is written."""

    def test_a_name_of_more_bytes_than_services_take_is_refused(self, storage: Storage) -> None:
        """A name of 100,000 characters is an OSError or a ValueError of ours, and stores nothing."""
        with pytest.raises((InvalidPathError, OSError)) as caught:
            storage.put(BODY, "n" * 100_000)
        assert type(caught.value).__module__ == "modos.errors"
        assert storage.empty()

    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_is_kept_as_it_is(self, storage: Storage, name: str) -> None:
        """Spaces, `+ = % # ?`, quotes, Unicode and long names are written, found, listed and removed unchanged."""
        if name in self.refused_names:
            with pytest.raises(InvalidPathError):
                storage.put(BODY, name)
            assert storage.empty()
            return
        storage.put(BODY, name)
        assert self.get_raw(storage, name) == BODY
        assert storage.exists(name)
        assert storage.stat(name).path == PurePosixPath(name)
        assert storage.read(name) == BODY
        assert storage.read(name, 10, 20) == BODY[10:20]
        assert listed(storage) == [name]
        storage.copy(name, "copied")
        assert self.get_raw(storage, "copied") == BODY
        storage.move("copied", f"{name[:900]}-moved")
        assert self.get_raw(storage, f"{name[:900]}-moved") == BODY
        storage.remove_many([name, f"{name[:900]}-moved"])
        assert storage.empty()

    def test_targets_may_be_paths(self, storage: Storage) -> None:
        """A `PurePath` names the same file as its text."""
        storage.put(BODY, PurePosixPath("reads/demo.txt"))
        assert storage.read("reads/demo.txt") == storage.read(PurePosixPath("reads/demo.txt")) == BODY

    def test_what_is_written_beneath_a_storage(self, storage: Storage) -> None:
        """`storage / directory` writes and removes beneath the directory, and nothing of a neighbour."""
        self.put_raw(storage, "demo1/a.txt", b"one")
        self.put_raw(storage, "demo10/b.txt", b"ten")
        beneath = storage / "demo1"
        beneath.put(b"new", "c.txt")
        assert self.get_raw(storage, "demo1/c.txt") == b"new"
        beneath.remove_tree()
        assert listed(storage) == ["demo10/b.txt"]
