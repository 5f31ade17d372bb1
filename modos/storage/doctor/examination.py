"""What a storage can do, asked for: without touching it, or by trying everything in a scratch directory that goes again.

Owns the scratch directory and its end. Knows neither a backend nor what counts as proof.
"""

import secrets
from dataclasses import replace

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    InvalidInputError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    StorageTimeoutError,
    UnreachableError,
)
from modos.storage.base import Storage
from modos.storage.doctor.facts import Ability, Capabilities, Fact
from modos.storage.doctor.proofs import PROOFS, UNSEEN, write_first
from modos.storage.doctor.services import service_of

__all__ = ["capabilities", "examine"]

SCRATCH = ".modos-doctor-"
"""What the name of a scratch directory begins with."""

_ATTEMPTS = 3

_LOST = (ServiceUnavailableError, StorageTimeoutError, UnreachableError)
"""Errors after which a request may have been carried out all the same."""

_PASSING = (AuthenticationError, *_LOST)
"""Errors that say nothing of what the service can."""


def capabilities(storage: Storage) -> Capabilities:
    """Return what a storage can do, as far as its kind and its service tell: nothing is tried, and nothing written.

    Costs at most one request, and for five minutes none for any storage of the same service.

    Raises
    ------
    StorageError
        When the service cannot be asked.
    """
    return service_of(storage).declare(storage)


def examine(storage: Storage, *, write: bool = True) -> Capabilities:
    """Return what a storage can do, tried in a scratch directory of a name of its own, which is removed in the end.

    Parameters
    ----------
    storage
        Nothing but the scratch directory is touched.
    write
        Whether to write. Without, or where writing is refused, it comes back with what can be told and says so.

    Raises
    ------
    StorageError
        When the service cannot be asked, or there is no such directory, bucket or container; or when the scratch directory
        could not be removed: a note says where it is.

    Examples
    --------
    >>> import tempfile
    >>> from modos.storage import LocalStorage
    >>> storage = LocalStorage(tempfile.mkdtemp())
    >>> found = examine(storage)
    >>> found.facts["ranges"], found.can("sign_get"), storage.empty()
    (Fact(answer='yes', source='tried', detail=''), False, True)
    """
    found = capabilities(storage)
    looked: dict[Ability, Fact] = {"versions": service_of(storage).versions(storage), "list": _listed(storage)}
    found = found.with_facts(looked)
    if reason := _why_not_to_write(storage, found, write=write):
        return found.with_facts({}, f"nothing was tried that writes: {reason}")
    directory = f"{SCRATCH}{secrets.token_hex(8)}"
    scratch = storage / directory
    refused = None
    try:
        first = write_first(scratch)
        tried = {ability: _proof(ability, scratch) for ability in PROOFS}
    except _LOST:
        raise
    except (StorageError, InvalidInputError) as error:  # of the first file: proofs keep theirs
        refused = Fact("no", "tried", _told(error))
    finally:
        if refused is None:  # what is refused has left nothing
            _removed(storage, directory)
    if refused is not None:
        return found.with_facts({"write": refused}, "nothing was tried that writes: the first file was refused")
    merged = {name: _merged(found.facts[name], fact, unseen=name in UNSEEN) for name, fact in tried.items()}
    notes = ("the scratch files stay among the earlier versions that are kept",) if found.can("versions") else ()
    return found.with_facts({"write": first, **merged}, *notes)


def _why_not_to_write(storage: Storage, found: Capabilities, *, write: bool) -> str:
    """Return why nothing should be written, empty when it may."""
    if storage.read_only:
        return "the storage was opened for reading only"
    if not write:
        return "it was asked not to"
    return "" if found.can("list") else "what cannot be listed could not be removed"


def _listed(storage: Storage) -> Fact:
    try:
        next(storage.scan(), None)
    except (AccessDeniedError, ServiceError) as error:
        if isinstance(error, _PASSING):
            raise
        return Fact("no", "tried", _told(error))
    return Fact("yes", "tried")


def _proof(ability: Ability, scratch: Storage) -> Fact:
    try:
        return PROOFS[ability](scratch)
    except _PASSING as error:
        return Fact("unknown", "tried", _told(error))
    except (StorageError, InvalidInputError) as error:
        return Fact("no", "tried", _told(error))


def _merged(known: Fact, tried: Fact, *, unseen: bool) -> Fact:
    """Return what was tried, with what was known beside it where that says more."""
    if unseen and tried.answer == "yes" and known.answer != "yes":
        return Fact(known.answer, known.source, known.detail or "it works, in whatever way")
    same = tried.answer == known.answer
    return replace(tried, detail=tried.detail or (known.detail if same else ""))


def _told(error: StorageError | InvalidInputError) -> str:
    return " ".join(str(error).split())


def _removed(storage: Storage, name: str) -> None:
    """Remove the scratch directory, once more where a listing was late."""
    url = f"{storage.url.removesuffix('/')}/{name}"
    try:
        for _ in range(_ATTEMPTS):
            storage.remove_tree(name)
            if next(storage.scan(name), None) is None:
                return
    except StorageError as error:
        error.add_note(f"the scratch directory {url} may still be there")
        raise
    raise StorageError(url, "the scratch directory could not be removed")
