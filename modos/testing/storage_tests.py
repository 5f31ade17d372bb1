"""`StorageTests`: what every storage promises, as tests that a backend inherits and passes.

Owns the putting together of the suite; the promises stand in the modules beside it. Must not know any backend.
"""

from modos.testing._conformance.addresses import AddressTests, NameTests
from modos.testing._conformance.reading import ListingTests, ReadingTests
from modos.testing._conformance.suite import StorageSuite
from modos.testing._conformance.work import AsynchronousTests, ReadOnlyTests, ZarrReadingTests, ZarrTests
from modos.testing._conformance.writing import MovingTests, WritingTests

__all__ = ["ReadableStorageTests", "StorageTests"]


class ReadableStorageTests(AddressTests, ListingTests, ReadingTests, ZarrReadingTests, StorageSuite):
    """The part of the suite for storages that can be read and not written; `StorageTests` has all of it."""


class StorageTests(
    ReadableStorageTests,
    NameTests,
    WritingTests,
    MovingTests,
    ReadOnlyTests,
    ZarrTests,
    AsynchronousTests,
):
    """The conformance suite: a backend is finished when a class that inherits this passes.

    The class overrides the fixture `storage`, `put_raw` and `get_raw`, and says by its attributes what the service
    behind it can do; see `StorageSuite`.

    Examples
    --------
    >>> class TestLocal(StorageTests):  # doctest: +SKIP
    ...     keeps_metadata = False
    ...
    ...     @pytest.fixture
    ...     def storage(self, tmp_path):
    ...         return LocalStorage(tmp_path / "root")
    ...
    ...     def put_raw(self, storage, name, body):
    ...         place = storage.path / name
    ...         place.parent.mkdir(parents=True, exist_ok=True)
    ...         place.write_bytes(body)
    ...
    ...     def get_raw(self, storage, name):
    ...         place = storage.path / name
    ...         return place.read_bytes() if place.is_file() else None
    """
