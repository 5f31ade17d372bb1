"""Copying objects between places, and proving that a copy is whole.

Owns `Travelling`, a part of `MODO`, and `transfer`. Must not know how bytes are moved.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Unpack

from modos.objects.faces.telling import Telling
from modos.objects.places import Place, opened
from modos.storage import LocalStorage, open_storage

if TYPE_CHECKING:
    from modos.objects.moves import Moved, TransferOptions
    from modos.objects.verification import Verification
    from modos.transfers import Plan, Report

__all__ = ["Travelling", "transfer", "transfer_many"]


class Travelling(Telling):
    """How an object gets to another place."""

    def transfer(self, target: Place, **options: "Unpack[TransferOptions]") -> "Report":
        """Copy the object to another place.

        Parameters
        ----------
        target
            Path, address or storage of the copy itself, not of the directory that it goes into.
        options
            `overwrite`, `delete`, `verify`, `workers`, `client` and `progress`: as for `modos.transfer`.
        """
        return transfer(self._storage, target, **options)

    def plan_transfer(self, target: Place, *, overwrite: bool = False, delete: bool = False) -> "Plan":
        """Return what `transfer` would do, with counts, bytes and about how many requests; nothing is written."""
        from modos.objects.moves import plan_object_transfer

        return plan_object_transfer(self._storage, opened(target), overwrite=overwrite, delete=delete)

    def verify(self, *, deep: bool = False) -> "Verification":
        """Compare what is stored with the checksums that are recorded in the metadata.

        Parameters
        ----------
        deep
            Whether every file with a recorded checksum is read. Otherwise the listing tells, as far as digests are known
            from earlier transfers; a file that it casts doubt on is read.
        """
        from modos.objects.verification import verify_object

        return verify_object(self._storage, deep=deep)

    def upload(
        self, target: str, s3_endpoint: str | None = None, s3_kwargs: Mapping[str, Any] | None = None
    ) -> "Report":
        """Copy the object to an address, under the reference's name; `transfer` says more.

        Parameters
        ----------
        target
            Address of the copy.
        s3_endpoint, s3_kwargs
            As for `S3Storage`, when the address is one of S3.
        """
        options: dict[str, Any] = {} if s3_endpoint is None else {"endpoint": s3_endpoint}
        return self.transfer(open_storage(target, storage_options={**options, **(s3_kwargs or {})}))

    def download(self, target: str | PurePath) -> "Report":
        """Copy the object to a directory of this machine, under the reference's name."""
        return self.transfer(LocalStorage(target))


def transfer(
    source: Place,
    target: Place,
    *,
    source_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
    **options: "Unpack[TransferOptions]",
) -> "Report":
    """Copy an object between any two places: files at once, each verified, visible at the target only when whole.

    What the target has already is not sent. A copy that broke off is no object; the same call again completes it, and
    large files are continued at the part where they were left. A file that is not what its `data_checksum` says is copied
    as it is; `changed` of the report names it, as far as its BLAKE2b is known without reading it for that.

    Parameters
    ----------
    source
        The object, its path, address or storage.
    target
        Path, address or storage of the copy itself, not of the directory that it goes into; or an older copy that is open.
    source_options, target_options
        What the backends of addresses take; `None` for nothing.
    options
        Any of those that follow.
    overwrite : bool
        Whether another object that is there may be replaced, or a copy with edits that the object has not seen. Without
        it that is an error; an older copy of the same object always is replaced.
    delete : bool
        Whether files that only an older copy has are removed when all is done. Without it they stay.
    verify : "digest" or "full"
        `"full"` reads back every file that was written, also where the service has told its MD5, as is enough without it.
    workers : int, optional
        Files and parts under way at a time; without it 16.
    client : distributed.Client, optional
        Whose workers then move the bytes; without it threads of this process do.
    progress : callable, optional
        Called with a `modos.transfers.Progress` as the copy goes on.

    Raises
    ------
    ObjectNotFoundError
        When there is no object at the source.
    ObjectExistsError
        When there is another object at the target, a copy with edits of its own, or files that are none of this one's.
    IntegrityError
        When a file did not arrive as it left.

    Examples
    --------
    >>> import tempfile
    >>> from modos import MODO
    >>> place = tempfile.mkdtemp()
    >>> modo = MODO.create(f"{place}/ex", id="ex")
    >>> report = transfer(modo, f"{place}/copy")
    >>> MODO(f"{place}/copy").checksum() == modo.checksum()
    True
    """
    from modos.objects.moves import transfer_object

    return transfer_object(opened(source, source_options), opened(target, target_options), **options)


def transfer_many(
    source: Place,
    target: Place,
    *,
    source_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    **options: "Unpack[TransferOptions]",
) -> "Iterator[Moved]":
    """Copy all objects beneath a place, one after the other, and yield what became of each; a failure stops no other.

    Parameters
    ----------
    source
        Path, address or storage beneath which the objects are.
    target
        Path, address or storage beneath which the copies go, under the same names.
    dry_run
        Whether nothing is written, and `plan` tells of each what would be done.
    source_options, target_options, options
        As for `transfer`.

    Raises
    ------
    ObjectNotFoundError
        When there is no object beneath the source.

    Examples
    --------
    >>> import tempfile
    >>> from modos import MODO
    >>> place = tempfile.mkdtemp()
    >>> for name in ("one", "two"):
    ...     _ = MODO.create(f"{place}/study/{name}")
    >>> [moved.error for moved in transfer_many(f"{place}/study", f"{place}/copies")]
    [None, None]
    """
    from modos.objects.moves import transfer_objects

    places = opened(source, source_options), opened(target, target_options)
    return transfer_objects(*places, dry_run=dry_run, **options)
