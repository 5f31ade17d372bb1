"""Reading the files of an object, encrypted or not: which file is meant, and what it is opened with.

Owns `Reading`, a part of `MODO`. Must not know what is in a file.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, Self

from modos.errors import InvalidInputError, InvalidPathError, suggestion
from modos.objects.editing.files import data_path, files_of
from modos.objects.snapshot import Snapshot
from modos.omics.naming import is_sealed, plain_name
from modos.storage import Storage

if TYPE_CHECKING:
    from modos.objects.encryption.keys import GivenKey, GivenReader

__all__ = ["Reading"]


class Reading:
    """How an object's files are read where they are."""

    _storage: Storage
    _said: Snapshot

    def unlock(
        self,
        *keys: "GivenKey",
        sender: "GivenReader | None" = None,
        passphrase: Callable[[], str] | None = None,
    ) -> Self:
        """Read encrypted files with these secret keys from now on; nothing plain is stored anywhere.

        Without this, the keys that the environment names are used: see `modos.encryption.KEY_VARIABLES`.

        Parameters
        ----------
        *keys
            Secret keys, or paths of their files. None to use those of the environment again.
        sender
            Public key of who must have written the files; `None`: anyone may have.
        passphrase
            Asks for the passphrase of a key that is locked; `None`: a locked key is refused.

        Raises
        ------
        InvalidKeyError
            When a key cannot be used.
        """
        from modos.objects.encryption.keys import KeyRing

        self.__dict__["_ring_kept"] = KeyRing.of(keys, sender=sender, passphrase=passphrase)
        self._forget_files()
        return self

    def open(self, file: str | PurePath) -> BinaryIO:
        """Open a file for reading: seekable, by ranges; an encrypted one is decrypted as it is read.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.

        Raises
        ------
        InvalidInputError
            When there is no such file.
        EncryptionError
            When it is encrypted and no key at hand opens it, or it is not what was written; names the file.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from modos import MODO
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "calls.tsv").write_text("chr21")
        >>> modo = MODO.create(folder / "ex")
        >>> data = modo.add_element(
        ...     {"@type": "DataEntity", "id": "calls", "data_format": "MTX"}, folder / "calls.tsv"
        ... )
        >>> with modo.open("calls") as file:
        ...     file.read()
        b'chr21'
        """
        name = self._file(str(file))
        return self._readable().open(name)

    def _readable(self) -> Storage:
        """Return the files of the object, those that are encrypted under the names that they have when they are plain."""
        sealed = {plain_name(each): each for each in self._stored_files().values() if is_sealed(each)}
        if not sealed:
            return self._storage
        from modos.objects.encryption.keys import KeyRing
        from modos.objects.encryption.view import Unsealed

        ring: KeyRing = self.__dict__.get("_ring_kept") or KeyRing()
        for attributes in self._said.elements.values():
            sealed |= {plain_name(each): each for each in files_of(attributes) if is_sealed(each)}
        view = Unsealed(self._storage, sealed, ring)
        kept: Unsealed | None = self.__dict__.get("_view")
        if kept is None or kept != view:
            self.__dict__["_view"] = kept = view
        return kept

    def _forget_files(self) -> None:
        """Forget what is kept of files: they are read anew."""
        for name in ("_view", "_indexed"):
            self.__dict__.pop(name, None)

    def _stored_files(self) -> dict[str, str]:
        """Return each element that has a file, to the name under which it is stored."""
        found = {}
        for element, attributes in self._said.elements.items():
            with suppress(InvalidPathError):  # written by something else; such a file is none of the object's
                name = data_path(attributes)
                if name is not None:
                    found[str(element)] = name
        return found

    def _files(self) -> dict[str, str]:
        """Return each element that has a file, to the name that it has when it is plain."""
        return {element: plain_name(name) for element, name in self._stored_files().items()}

    def _file(self, named: str) -> str:
        """Return the name, when it is plain, of the file that is meant."""
        files = self._files()
        if plain_name(named) in files.values():
            return plain_name(named)
        near = [each for each in files if each in {named, f"{each.partition('/')[0]}/{named}"}]
        if len(near) == 1:
            return files[near[0]]
        known = [*files, *files.values()]
        hint = suggestion(named, known) or f"; there are {', '.join(sorted(files.values())) or 'none'}"
        message = f"{named!r} is several files of the object" if near else f"{named!r} is no file of the object{hint}"
        raise InvalidInputError(message)
