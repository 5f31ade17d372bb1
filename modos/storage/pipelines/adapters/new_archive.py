"""A ZIP archive that zarr writes on this machine: there, whole, when its store is closed, and not before.

Owns the hidden file in between. Must not know any address.
"""

import secrets
from pathlib import Path

from zarr.storage import ZipStore

from modos.errors import KeyExistsError, KeyNotFoundError

__all__ = ["NewArchiveStore"]


class NewArchiveStore(ZipStore):
    """A zarr store that becomes an archive.

    Parameters
    ----------
    target
        The archive.
    create
        Whether to refuse to replace one that is there.
    """

    def __init__(self, target: Path, *, create: bool) -> None:
        if not target.parent.is_dir():
            raise KeyNotFoundError(str(target.parent), "is no directory, so that no archive can be created in it")
        if create and target.exists():
            raise KeyExistsError(str(target))
        partial = target.with_name(f".{secrets.token_hex(8)}.partial")
        super().__init__(partial, mode="w", read_only=False)
        self._partial = partial
        self._target = target
        self._create = create

    def close(self) -> None:
        """Finish the archive and give it its name."""
        if not self._is_open:
            return
        super().close()
        if self._create:
            self._target.hardlink_to(self._partial)
            self._partial.unlink()
        else:
            self._partial.replace(self._target)

    def discard(self) -> None:
        """Give up the archive; nothing of it is left."""
        if self._is_open:
            super().close()
        self._partial.unlink(missing_ok=True)
