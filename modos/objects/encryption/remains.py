"""What an encryption or decryption that was killed has left, and how it is told from anything else.

Owns that recognition, and digests of what passes. Must not know why a file is encrypted.
"""

from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from typing import Protocol

from modos.encryption import stream_file
from modos.encryption.header import measure
from modos.encryption.planning import lay_out
from modos.errors import EncryptionError
from modos.objects.editing.examining import stat_if_any
from modos.objects.editing.files import FileNames
from modos.objects.snapshot import Snapshot
from modos.storage import ObjectInfo, Storage

__all__ = ["Passing", "digest_of", "is_sealed_of", "remove_replaced"]

_HEAD = 64 * 1024


class Replaced(Protocol):
    """What tells names before and after."""

    @property
    def names(self) -> Mapping[str, str]:
        """Name of each file before, to its name after."""


class Passing:
    """The length and BLAKE2b of chunks that pass; a thread computes while they are used.

    Attributes
    ----------
    size
        Bytes so far.
    """

    def __init__(self) -> None:
        self._digest = blake2b()
        self.size = 0

    @property
    def blake2b(self) -> str:
        """The digest in hex, once the chunks have ended."""
        return self._digest.hexdigest()

    def watch(self, chunks: Iterable[bytes]) -> Generator[bytes]:
        """Yield the chunks.

        Examples
        --------
        >>> passing = Passing()
        >>> list(passing.watch([b"AC", b"GT"])), passing.size, passing.blake2b[:8]
        ([b'AC', b'GT'], 4, 'f3012b15')
        """
        before: Future[None] | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="modos-digest") as thread:
            for chunk in chunks:
                if before is not None:
                    before.result()
                before = thread.submit(self._digest.update, chunk)
                self.size += len(chunk)
                yield chunk


def digest_of(storage: Storage, info: ObjectInfo) -> str:
    """Return the BLAKE2b of a file, having read it all, some of it ahead.

    Raises
    ------
    IntegrityError
        When it is replaced meanwhile.
    """
    digest = blake2b()
    for piece in stream_file(storage, info.path):
        digest.update(piece)
    return digest.hexdigest()


def remove_replaced(storage: Storage, said: Snapshot, done: Iterable[Replaced]) -> None:
    """Remove files that an earlier attempt has replaced, when it was killed before it could remove them.

    Only what nothing describes goes, and only when one of the two is an encrypted file and the content of both is of the
    same length.

    Parameters
    ----------
    storage, said
        The object.
    done
        Files that are as they should be.
    """
    names = FileNames(said.elements)
    for name, target in (pair for each in done for pair in each.names.items()):
        old = stat_if_any(storage, name) if names.owner(name) is None else None
        new = None if old is None else stat_if_any(storage, target)
        if old is None or new is None:
            continue
        if is_sealed_of(storage, old, new) or is_sealed_of(storage, new, old):
            storage.remove(name)


def is_sealed_of(storage: Storage, sealed: ObjectInfo, plain: ObjectInfo) -> bool:
    """Tell whether a file is an encrypted one, of a content as long as another file."""
    head = storage.read(sealed.path, 0, _HEAD)
    with suppress(EncryptionError):
        length, whole = measure(head)
        while not whole and length < sealed.size:
            head = storage.read(sealed.path, 0, length)
            length, whole = measure(head)
        return lay_out(length, sealed.size, None).size == (plain.size or 1)  # an empty file is one byte that is dropped
    return False
