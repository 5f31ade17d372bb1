"""What the parts of the conformance suite share: the hooks of a backend, and names and bodies to try.

Owns the hooks' meaning. Must not hold a promise, nor know any backend.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from modos.storage import LocalStorage, Storage

__all__ = ["BODY", "LONG", "NAMES", "REFUSED", "StorageSuite", "listed", "long_chunks"]

BODY = bytes(range(256)) * 4
"""Bytes whose every slice tells where it comes from."""

NAMES = (
    "plain.txt",
    "deep/er/and/deeper.bin",
    "demo 1.cram",
    " leading and trailing ",
    "a+b=c&d.txt",
    "100%",
    "twice%2520encoded",
    "hash#fragment",
    "what?query=1",
    "semi;colon,comma:colon@at!",
    "quotes'\"`.txt",
    "<tag>&amp;",
    "[brackets]{braces}*star",
    "back\\slash",
    "tilde~and^caret|pipe",
    ".hidden",
    "..two-dots",
    "Größe/naïve-日本語-🧬.txt",
    "e\u0301-decomposed",
    "/".join(["n" * 199] * 5),
)
"""Names that every storage keeps as they are; the last has nearly 1,000 bytes."""

REFUSED = (
    "",
    ".",
    "..",
    "/absolute",
    "/",
    "../outside",
    "inside/../../outside",
    "inside/..",
    "./here",
    "two//slashes",
    "trailing/",
    "nul\0character",
    "lone\ud800surrogate",
)
"""Names that no storage takes."""

LONG = 20 * 1024 * 1024 + 3
"""Bytes of a body that no backend sends in one piece."""

_AT_ONCE = 8


class StorageSuite:
    """What a backend says of itself to the conformance suite.

    Attributes
    ----------
    keeps_metadata
        Whether content type and metadata come back.
    keeps_unicode_metadata
        Whether metadata may hold more than ASCII; otherwise such metadata is refused.
    signs
        Methods for which there are signed URLs.
    signed_name
        A name whose URL can be signed.
    signed_put_headers
        What a signed `PUT` has to carry besides its body.
    refused_names
        Names of `NAMES` that the service would change, and which are therefore refused.
    replaces_unchanged
        Whether `put` takes `if_match`; otherwise it is refused.
    page_size
        Names after which a listing of the service needs another page.
    secrets
        Texts that no representation of the storage may show.
    """

    keeps_metadata: ClassVar[bool] = True
    keeps_unicode_metadata: ClassVar[bool] = True
    signs: ClassVar[frozenset[str]] = frozenset()
    signed_name: ClassVar[str] = "reads/demo 1+2=3.bin"
    signed_put_headers: ClassVar[Mapping[str, str]] = {}
    refused_names: ClassVar[frozenset[str]] = frozenset()
    replaces_unchanged: ClassVar[bool] = False
    page_size: ClassVar[int] = 20
    secrets: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def storage(self) -> Storage:
        """Return an empty storage, one that can be written where the service can be; every test gets one of its own."""
        raise NotImplementedError

    @pytest.fixture
    def other(self, tmp_path: Path) -> Storage:
        """Return an empty storage of any kind, to transfer to."""
        return LocalStorage(tmp_path / "other")

    def put_raw(self, storage: Storage, name: str, body: bytes) -> None:
        """Store a file without the class that is tested."""
        raise NotImplementedError

    def get_raw(self, storage: Storage, name: str) -> bytes | None:
        """Return what is stored, `None` for nothing, without the class that is tested."""
        raise NotImplementedError

    def put_many_raw(self, storage: Storage, names: Iterable[str], body: bytes = b"x") -> None:
        """Store the same body under many names, some at a time."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: self.put_raw(storage, name, body), names))


def listed(storage: Storage, target: str | None = None) -> list[str]:
    """Return all names beneath a directory as text, sorted."""
    return sorted(str(path) for path in storage.list(target))


def long_chunks(size: int = LONG, chunk: int = 1024 * 1024) -> Iterator[bytes]:
    """Yield a body of `size` bytes in which no two chunks are alike."""
    for start in range(0, size, chunk):
        yield (start.to_bytes(8, "big") * (chunk // 8))[: size - start]
