"""Two storages of one service, between which the service itself copies.

Owns whether two are, and what proves such a copy. Must not know why anything is copied, nor any backend by name.
"""

from modos.errors import IntegrityError
from modos.storage.backends.remote import FsspecStorage
from modos.storage.base import Storage
from modos.storage.doctor.examination import capabilities
from modos.storage.info import ObjectInfo

__all__ = ["copy_by_service", "same_service", "service_copies"]

_ADDRESS = 2
"""How many things of a storage's identity are its own: its address, and whether it is read-only. The rest is the service's."""


def service_copies(source: Storage, target: Storage) -> bool:
    """Tell whether the service copies from one storage to another: one service, one account, and it can.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from modos.storage import LocalStorage
    >>> service_copies(LocalStorage(mkdtemp()), LocalStorage(mkdtemp()))
    False
    """
    return same_service(source, target) and capabilities(target).can("server_copy")


def same_service(source: Storage, target: Storage) -> bool:
    """Tell whether two storages are of one service and account, by how they were made; nothing is asked."""
    if type(source) is not type(target) or not isinstance(source, FsspecStorage):
        return False
    return source._identity()[_ADDRESS:] == target._identity()[_ADDRESS:]  # noqa: SLF001 - of the contract, in its own room


def copy_by_service(source: Storage, target: Storage, file: ObjectInfo) -> ObjectInfo:
    """Copy a file to the same name in another storage of the service; no byte of it passes here.

    Parameters
    ----------
    source, target
        Storages for which `service_copies` holds.
    file
        The file as the source listed it.

    Raises
    ------
    IntegrityError
        When what is stored is not what was listed: the file has changed, or the service has failed.
    """
    path = file.path
    assert isinstance(target, FsspecStorage)
    with target._boundary(str(path)):  # noqa: SLF001 - of the contract, in its own room
        target.filesystem.cp_file(str(source.path / path), str(target.path / path))
    stored = target.stat(path)
    proven = file.md5 is not None and stored.md5 == file.md5
    comparable = None not in {stored.md5, file.md5}  # a copy may be in other parts, with another tag
    other = comparable and target.contradicts(stored, file.md5) and source.contradicts(file, stored.md5)
    if stored.size != file.size or other or not (proven or _unchanged(source, file)):
        raise IntegrityError(target.url_of(path), "what the service copied is not what the source lists")
    return stored


def _unchanged(source: Storage, file: ObjectInfo) -> bool:
    """Tell whether a file that was copied in parts of its own still has the tag that was listed."""
    return source.stat(file.path).etag in {file.etag, None}
