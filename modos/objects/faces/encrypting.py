"""Encryption of an object's files: made, taken away, and who can read them.

Owns `Encrypting`, a part of `MODO`. Must not know how crypt4gh works, nor in which order files are replaced.
"""

from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING

from modos.errors import InvalidInputError
from modos.model import ElementId
from modos.objects.faces.reading import Reading
from modos.omics.naming import is_sealed, plain_name

if TYPE_CHECKING:
    from modos.encryption import Packet
    from modos.objects.encryption.keys import GivenKey, GivenReader, KeyRing
    from modos.objects.encryption.sharing import Reshared

__all__ = ["Encrypting"]


class Encrypting(Reading):
    """How an object's files are encrypted with crypt4gh."""

    def encrypt(
        self,
        recipients: "GivenReader | Iterable[GivenReader]",
        elements: Iterable[str] | None = None,
        *,
        secret_key: "GivenKey | None" = None,
    ) -> list[ElementId]:
        """Encrypt files for the owners of some public keys; they alone can read them then.

        Each file, and its index files, is streamed to a new one beside it that is called the same with `.c4gh`, and read back.
        Once all are there, one edit makes `data_path` and `data_checksum` those of the encrypted files, and the plain
        ones are removed, for good. Earlier files that edits have replaced stay in the trash as they were: `empty_trash` removes
        them. Killed at any moment, the object has one or the other; the same call again ends the
        work. `data_format` still says what is in a file.

        Parameters
        ----------
        recipients
            Public keys, paths of their files, or their texts; your own among them to be able to read the files.
        elements
            Ids of elements, or names of their files; `None` for all that have one. Those that are encrypted already stay as they are.
        secret_key
            Your secret key, or the path of its file, so that readers can check who wrote the files; `None` for one that is
            made for this and forgotten.

        Returns
        -------
        list of ElementId
            Elements whose files were encrypted.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        InvalidInputError
            When an element that was named has no file, or a file is a directory. Nothing was then changed.
        IntegrityError
            When a file is not what its checksum says, or was not stored as it was sent.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from modos import MODO
        >>> from modos.encryption import generate_key
        >>> folder, key = Path(tempfile.mkdtemp()), generate_key()
        >>> _ = (folder / "calls.tsv").write_text("chr21")
        >>> modo = MODO.create(folder / "ex")
        >>> _ = modo.add_element(
        ...     {"@type": "DataEntity", "id": "calls", "data_format": "MTX"}, folder / "calls.tsv"
        ... )
        >>> modo.encrypt(key.public)
        [ElementId(kind='data', name='calls')]
        >>> [str(path) for path in modo.list_files()]
        ['calls.tsv.c4gh']
        >>> modo.unlock(key).open("calls").read()
        b'chr21'
        """
        from modos.encryption import secret_key_of
        from modos.objects.encryption.keys import public_keys_of
        from modos.objects.encryption.sealing import encrypt_files

        readers = public_keys_of(recipients)
        sender = None if secret_key is None else secret_key_of(secret_key)
        self._forget_files()
        self._said, done = encrypt_files(self._storage, readers, elements=self._chosen(elements), sender=sender)
        return done

    def decrypt(
        self,
        secret_key: "GivenKey | None" = None,
        elements: Iterable[str] | None = None,
        *,
        sender: "GivenReader | None" = None,
    ) -> list[ElementId]:
        """Decrypt files, in the same order and with the same promises as `encrypt`.

        Parameters
        ----------
        secret_key
            Your secret key, or the path of its file; `None` for those given to `unlock`, else those of the environment.
        elements
            Ids of elements, or names of their files; `None` for all whose files are encrypted.
        sender
            Public key of who must have written the files; `None`: anyone may have.

        Returns
        -------
        list of ElementId
            Elements whose files were decrypted.

        Raises
        ------
        EncryptionError
            When no key opens a file, or it is not what was written; names the file. It is still as it was.
        """
        from modos.objects.encryption.sealing import decrypt_files

        ring = self._ring(secret_key, sender)
        self._forget_files()
        self._said, done = decrypt_files(self._storage, ring, elements=self._chosen(elements))
        return done

    def reshare(
        self,
        recipients: "GivenReader | Iterable[GivenReader] | None" = None,
        elements: Iterable[str] | None = None,
        *,
        add: "GivenReader | Iterable[GivenReader]" = (),
        remove: "GivenReader | Iterable[GivenReader]" = (),
        secret_key: "GivenKey | None" = None,
    ) -> "list[Reshared]":
        """Give encrypted files to others: each gets a new header, and its body stays where it is, as far as that can be.

        In Swift some hundred bytes are sent, whatever the size; in S3 the first 5 MiB; smaller files, and those on disks
        and elsewhere, are written anew. What is returned says which. Nothing is decrypted. Whoever has kept an old file, or
        its header, can still read it: to take that away, decrypt and encrypt.

        Parameters
        ----------
        recipients
            All who are to read the files, as for `encrypt`; `None` to change who can by `add` and `remove`.
        elements
            Ids of elements, or names of their files; `None` for all whose files are encrypted.
        add, remove
            Who comes, and who goes. To tell which part of a header is that of who goes takes the key of who wrote it.
        secret_key
            The key to open the headers with, as for `decrypt`; new parts of headers are written with it.

        Returns
        -------
        list of Reshared
            For each file, its name and whether the `"service"` or the `"client"` put it together.

        Raises
        ------
        EncryptionError
            When no key opens a header; names the file. Nothing was then changed.
        InvalidInputError
            When nobody is named, or the keys do not tell who is to go.
        """
        from modos.objects.encryption.keys import public_keys_of
        from modos.objects.encryption.sharing import Readers, reshare_files

        only = None if recipients is None else public_keys_of(recipients)
        readers = Readers(only, public_keys_of(add), public_keys_of(remove))
        ring = self._ring(secret_key)
        self._forget_files()
        self._said, done = reshare_files(self._storage, ring, readers, elements=self._chosen(elements))
        return done

    def list_encrypted(self) -> list[str]:
        """Return the names of the encrypted files, in order; their index files, which are encrypted too, are left out."""
        return sorted({name for name in self._stored_files().values() if is_sealed(name)})

    def recipients(
        self,
        file: str | PurePath,
        *,
        among: "GivenReader | Iterable[GivenReader]" = (),
        secret_key: "GivenKey | None" = None,
    ) -> "list[Packet]":
        """Return what can be told of who can read an encrypted file: one packet for each reader, who wrote it, and for whom.

        A packet does not say whom it is for: only the reader's own key shows it, and the writer's.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.
        among
            Public keys of readers to look for, where the key at hand is the writer's.
        secret_key
            The key to try, as for `decrypt`.

        Raises
        ------
        InvalidInputError
            When there is no such file, or it is not encrypted.
        """
        from modos.objects.encryption.keys import public_keys_of
        from modos.objects.encryption.sharing import recipients_of

        name = self._file(str(file))
        stored = next(each for each in self._stored_files().values() if plain_name(each) == name)
        if stored == name:
            message = f"{self._storage.url_of(name)} is not encrypted: whoever can get at it can read it"
            raise InvalidInputError(message)
        keys = self._ring(secret_key).for_file(self._storage.url_of(stored))
        return recipients_of(self._storage, stored, keys, among=public_keys_of(among))

    def _chosen(self, elements: Iterable[str] | None) -> list[str] | None:
        """Return ids of elements that were named by these or by their files; also when only one was given."""
        if elements is None:
            return None
        owners: dict[str, list[str]] = {}
        for element, name in self._files().items():
            owners.setdefault(name, []).append(element)
        given = [elements] if isinstance(elements, str) else elements
        return [element for each in given for element in owners.get(plain_name(each), [each])]

    def _ring(self, secret_key: "GivenKey | None", sender: "GivenReader | None" = None) -> "KeyRing":
        """Return the keys that were given here, else to `unlock`."""
        from modos.objects.encryption.keys import KeyRing

        kept: KeyRing = self.__dict__.get("_ring_kept") or KeyRing()
        given = KeyRing.of([] if secret_key is None else [secret_key], sender=sender)
        return KeyRing(given.keys or kept.keys, given.sender or kept.sender)
