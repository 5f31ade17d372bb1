"""Copying objects between places, and proving that a copy is whole.

Owns `Travelling`, a part of `MODO`, and `transfer`. Must not know how bytes are moved.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from modos.objects.faces.telling import Telling
from modos.objects.moves import Moved, plan_object_transfer, transfer_object, transfer_objects
from modos.objects.places import Place, opened
from modos.objects.verification import Verification, verify_object
from modos.storage import LocalStorage, open_storage

if TYPE_CHECKING:
    from distributed import Client

    from modos.transfers import Plan, Progress, Report
    from modos.transfers.engine import Proof

__all__ = ["Travelling", "transfer", "transfer_many"]


class Travelling(Telling):
    """How an object gets to another place."""

    def transfer(
        self,
        target: Place,
        *,
        overwrite: bool = False,
        delete: bool = False,
        verify: "Proof" = "by digest",
        workers: int | None = None,
        progress: "Callable[[Progress], None] | None" = None,
    ) -> "Report":
        """Copy the object to another place; see `modos.transfer`."""
        return transfer(
            self._storage, target, overwrite=overwrite, delete=delete, verify=verify, workers=workers, progress=progress
        )

    def plan_transfer(self, target: Place, *, overwrite: bool = False, delete: bool = False) -> "Plan":
        """Return what `transfer` would do, with counts, bytes and about how many requests; nothing is written."""
        return plan_object_transfer(self._storage, opened(target, None), overwrite=overwrite, delete=delete)

    def verify(self, *, deep: bool = False) -> "Verification":
        """Compare what is stored with the checksums that are recorded in the metadata.

        Parameters
        ----------
        deep
            Whether every file with a recorded checksum is read. Otherwise the listing tells, as far as digests are known
            from earlier transfers; a file that it casts doubt on is read.
        """
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
    source: Place | Travelling,
    target: Place,
    *,
    overwrite: bool = False,
    delete: bool = False,
    verify: "Proof" = "by digest",
    workers: int | None = None,
    client: "Client | None" = None,
    progress: "Callable[[Progress], None] | None" = None,
    source_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
) -> "Report":
    """Copy an object between any two places: files at once, each verified, visible at the target only when whole.

    What the target has already is not sent. A copy that broke off is no object; the same call again completes it, and
    large files are continued at the part where they were left.

    Parameters
    ----------
    source
        The object, its path, address or storage.
    target
        Path, address or storage of the copy itself, not of the directory that it goes into.
    overwrite
        Whether another object that is there may be replaced. An older copy of the same object always may.
    delete
        Whether files that only an older copy has are removed when all is done.
    verify
        `"full"` reads back every file that was written, also where the service has told its MD5.
    workers
        Files and parts under way at a time; `None` for 16.
    client
        A `distributed.Client`, whose workers then move the bytes; `None` for threads of this process.
    progress
        Called as the copy goes on; `None` for silence.
    source_options, target_options
        What the backends of addresses take; `None` for nothing.

    Raises
    ------
    ObjectNotFoundError
        When there is no object at the source.
    ObjectExistsError
        When there is another object at the target, or files that are none of this one's.
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
    leaving = source.storage if isinstance(source, Travelling) else opened(source, source_options)
    return transfer_object(
        leaving,
        opened(target, target_options),
        overwrite=overwrite,
        delete=delete,
        verify=verify,
        workers=workers,
        client=client,
        progress=progress,
    )


def transfer_many(
    source: Place,
    target: Place,
    *,
    overwrite: bool = False,
    delete: bool = False,
    verify: "Proof" = "by digest",
    workers: int | None = None,
    client: "Client | None" = None,
    progress: "Callable[[Progress], None] | None" = None,
    source_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
) -> "Iterator[Moved]":
    """Copy all objects beneath a place, one after the other, and yield what became of each; a failure stops no other.

    Parameters
    ----------
    source
        Path, address or storage beneath which the objects are.
    target
        Path, address or storage beneath which the copies go, under the same names.
    overwrite, delete, verify, workers, client, progress, source_options, target_options
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
    return transfer_objects(
        opened(source, source_options),
        opened(target, target_options),
        overwrite=overwrite,
        delete=delete,
        verify=verify,
        workers=workers,
        client=client,
        progress=progress,
    )
