"""`Unsealed`: the files of an object as if none were encrypted, decrypted by ranges while they are read.

Owns which name stands for which file. Nothing plain is stored; must not know what is in the files.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath, PurePosixPath
from typing import BinaryIO, Self

from modos.encryption import DecryptedFiles
from modos.errors import InvalidInputError, KeyNotFoundError, ModosError
from modos.objects.encryption.keys import KeyRing
from modos.storage import ObjectInfo, Storage
from modos.storage.base import Method
from modos.storage.contract.ranged import open_ranged
from modos.storage.contract.unwritable import Unwritable
from modos.storage.paths import target_name

__all__ = ["Unsealed"]

_BUFFER = 1024 * 1024


class Unsealed(Unwritable, Storage):
    """An object's files under the names that they have when they are plain; for reading.

    Keys are looked for when the first encrypted file is opened. Each segment is proven before a byte of it comes out.

    Parameters
    ----------
    inner
        Where the files are.
    sealed
        Names that files have when they are plain, to those of the encrypted files.
    ring
        What they are opened with.
    """

    _why_read_only = "is a view of encrypted files, for reading"

    def __init__(self, inner: Storage, sealed: Mapping[str, str], ring: KeyRing) -> None:
        self._inner = inner
        self._sealed = dict(sealed)
        self._ring = ring
        self._opened: DecryptedFiles | None = None

    @property
    def url(self) -> str:
        """The address of the storage itself."""
        return self._inner.url

    @property
    def path(self) -> PurePath:
        """The path of the storage itself."""
        return self._inner.path

    def url_of(self, target: str | PurePath) -> str:
        """Return the address of a file as it is stored."""
        name = target_name(target)
        return self._inner.url_of(self._sealed.get(name, name))

    def __truediv__(self, target: str | PurePath) -> Self:
        start = f"{target_name(target)}/"
        beneath = {
            plain.removeprefix(start): each.removeprefix(start)
            for plain, each in self._sealed.items()
            if plain.startswith(start)
        }
        return type(self)(self._inner / target, beneath, self._ring)

    def _identity(self) -> tuple[object, ...]:
        return (self._inner, self._sealed, self._ring)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    @contextmanager
    def _boundary(self, name: str) -> Iterator[None]:
        try:
            yield
        except ModosError:
            raise
        except FileNotFoundError as error:
            raise KeyNotFoundError(self.url_of(name) if name else self.url) from error

    def _decrypted(self, name: str) -> tuple[DecryptedFiles, str]:
        """Return what decrypts a file, and its name there."""
        if self._opened is None:
            keys = self._ring.for_file(self.url_of(name))
            self._opened = DecryptedFiles(self._inner, keys, sender=self._ring.sender)
        return self._opened, self._sealed[name]

    def _stat(self, name: str) -> ObjectInfo | None:
        try:
            if name not in self._sealed:
                return self._inner.stat(name)
            files, stored = self._decrypted(name)
            return replace(files.stat(stored), path=PurePosixPath(name))
        except KeyNotFoundError:
            return None

    def _scan(self, name: str, *, recursive: bool) -> Generator[ObjectInfo]:
        plain = {stored: each for each, stored in self._sealed.items()}
        for info in self._inner.scan(name or None, recursive=recursive):
            known = plain.get(str(info.path))
            found = info if known is None else self._stat(known)
            if found is not None:
                yield found

    def _open(self, name: str) -> BinaryIO:
        return open_ranged(self, name, _BUFFER) if name in self._sealed else self._inner.open(name)

    def _read(self, name: str, start: int, end: int | None) -> bytes:
        if name not in self._sealed:
            return self._inner.read(name, start, end)
        files, stored = self._decrypted(name)
        return files.read(stored, start or None, end)

    def _read_many(self, name: str, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        if name not in self._sealed:
            return self._inner.read_ranges(name, ranges, gap=0)
        files, stored = self._decrypted(name)
        return files.read_ranges(stored, ranges)

    def _sign(self, name: str, *, expires_in: int, method: Method) -> str:
        if name in self._sealed:
            message = f"{self.url_of(name)} is encrypted: a signed address of it would give what nobody can read by it"
            raise InvalidInputError(message)
        return self._inner.sign(name, expires_in=expires_in, method=method)
