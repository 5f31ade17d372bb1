"""Finding digital objects beneath a directory or prefix without walking what is inside them.

Owns the two ways: by level where directories are cheap, and by page, skipping, where listings are. Knows no backend.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath, PurePosixPath

from modos._given import expect
from modos.errors import AccessDeniedError
from modos.storage.backends.remote import LAST_NAME, Page
from modos.storage.base import OLD_ROOT, ROOT_DOCUMENT, ZARR_ROOT, Storage
from modos.storage.contract.looking import directory_name

__all__ = ["find_objects", "is_discoverable", "list_remote_modos", "objects_by_level", "objects_by_page", "skip_marker"]

_DOCUMENTS = frozenset(PurePosixPath(each).name for each in (ROOT_DOCUMENT, OLD_ROOT))


def list_remote_modos(storage: Storage, target: str | PurePath | None = None) -> list[str]:
    """Return the addresses of the digital objects in a storage, under the reference's name.

    Costs at most one request per object plus one per full listing page: what is inside an object is skipped.

    Parameters
    ----------
    storage
        Any storage; a local one too.
    target
        Directory to look beneath; `None` for the whole storage.

    Raises
    ------
    InvalidInputError
        When the storage is none, such as an address (`modos.list_modos` takes these, too), or the target is no directory's
        name.
    """
    return [storage.url if name == "" else storage.url_of(name) for name in find_objects(storage, target)]


def find_objects(storage: Storage, target: str | PurePath | None = None) -> Iterator[str]:
    """Yield the directories of digital objects, relative to the storage; `""` when its root is one."""
    expect(storage, Storage, "where to look is said by a Storage, such as open_storage(address) returns")
    name = directory_name(target.strip("/") if isinstance(target, str) else target)
    with storage._boundary(name):  # noqa: SLF001 - discovery is part of the contract's house
        yield from storage._find_objects(name)  # noqa: SLF001 - likewise


def objects_by_level(
    storage: Storage,
    name: str,
    *,
    inner: Callable[[str], Iterable[str]] | None = None,
    real: Callable[[str], str] = str,
) -> Iterator[str]:
    """Yield objects beneath a directory, looking into no directory that is one.

    Parameters
    ----------
    storage, name
        Where to look.
    inner
        Returns the directories in a directory; `None` to take them from the storage's listing.
    real
        Returns what tells a directory from all others, whatever links lead to it.

    Raises
    ------
    AccessDeniedError
        When a directory may not be read; the others have been looked into by then.
    """
    closed: list[AccessDeniedError] = []
    yield from _Levels(storage, inner or partial(_listed, storage), real, closed).beneath(name, ())
    if closed[1:]:
        closed[0].add_note(f"the same holds for {', '.join(error.url for error in closed[1:])}")
    if closed:
        raise closed[0]


@dataclass(frozen=True, slots=True)
class _Levels:
    """How one looks from level to level; `closed` takes what may not be read."""

    storage: Storage
    inner: Callable[[str], Iterable[str]]
    real: Callable[[str], str]
    closed: list[AccessDeniedError]

    def beneath(self, name: str, above: tuple[str, ...]) -> Iterator[str]:
        """Yield objects beneath a directory; a link that leads back to one of those above is not followed."""
        here = self.real(name)
        if here in above:
            return
        try:
            directories, is_object = self._seen(name)
        except AccessDeniedError as error:
            self.closed.append(error)
            return
        if is_object:
            yield name
            return
        for directory in directories:
            if directory.rpartition("/")[2] != ZARR_ROOT.name:
                yield from self.beneath(directory, (*above, here))

    def _seen(self, name: str) -> tuple[list[str], bool]:
        """Return the directories in a directory, and whether it is an object."""
        roots = (_beneath(name, document) for document in (ROOT_DOCUMENT, OLD_ROOT))
        with self.storage._boundary(name):  # noqa: SLF001 - discovery is part of the contract's house
            directories = [*self.inner(name)]
            return directories, _beneath(name, str(ZARR_ROOT)) in directories and any(map(self.storage.exists, roots))


def _listed(storage: Storage, name: str) -> Iterator[str]:
    entries = storage.scan(name or None, recursive=False)
    return (str(entry.path) for entry in entries if entry.kind == "directory")


def objects_by_page(page_after: Callable[[str], Page]) -> Iterator[str]:
    """Yield objects from a listing in name order that can begin behind any name.

    An object inside another is part of it and not reported. It may be listed first (`ex/a/data.zarr` before
    `ex/data.zarr`), so an object waits until the listing is past the root documents of all directories above it.

    Parameters
    ----------
    page_after
        Asks once for the page that begins strictly behind a name.
    """
    marker: str | None = ""
    found: str | None = None
    waiting: deque[str] = deque()
    while marker is not None:
        page = page_after(marker)
        for info in page.infos:
            directory = object_of(str(info.path))
            if directory is None or (found is not None and _is_beneath(directory, found)):
                continue
            while waiting and _is_beneath(waiting[-1], directory):
                waiting.pop()
            found = directory
            waiting.append(directory)
            if found == "":
                break
        marker = None if page.last is None or found == "" else skip_marker(page.last, found)
        while waiting and (marker is None or _is_settled(waiting[0], marker)):
            yield waiting.popleft()


def _is_beneath(directory: str, other: str) -> bool:
    return f"{directory}/".startswith(f"{other}/" if other else "")


def _is_settled(directory: str, marker: str) -> bool:
    """Tell whether a listing that is past a name has shown every object that a directory may lie in."""
    above = [*map(str, PurePosixPath(directory).parents)]
    return all(_beneath("" if each == "." else each, ROOT_DOCUMENT) <= marker for each in above)


def object_of(name: str) -> str | None:
    """Return the directory whose root document a name is, `None` for any other name; hierarchies hold no objects.

    Examples
    --------
    >>> object_of("study/ex/data.zarr/zarr.json"), object_of("study/old/data.zarr/.zgroup")
    ('study/ex', 'study/old')
    >>> object_of("study/ex/data.zarr/sample/zarr.json") is None
    True
    """
    directory, _, document = f"/{name}".partition(f"/{ZARR_ROOT}/")
    return directory[1:] if document in _DOCUMENTS else None


def is_discoverable(directory: str) -> bool:
    """Tell whether an object in a directory would be found by a listing of the bucket or disk that it is in.

    Examples
    --------
    >>> [is_discoverable(name) for name in ("study/ex", "study/data.zarr/ex", "study/data.zarr", "")]
    [True, False, False, True]
    """
    return object_of(_beneath(directory, ROOT_DOCUMENT)) == directory


def skip_marker(last: str, found: str | None) -> str:
    """Return the name behind which the next page should begin.

    Parameters
    ----------
    last
        The last name of the page.
    found
        The object that was found last, `None` for none.

    Examples
    --------
    Within an object that is known, its end; within the zarr hierarchy of one that is not yet, its root document, of either
    format, and behind the place of that, the end of the hierarchy:

    >>> skip_marker("ex/demo1.cram", "ex") == "ex/" + LAST_NAME
    True
    >>> skip_marker("ex/data.zarr/assay/assay1/zarr.json", None)
    'ex/data.zarr/zarr.jso'
    >>> skip_marker("ex/data.zarr/.zattrs", None)
    'ex/data.zarr/.zattrs'
    >>> skip_marker("ex/data.zarr/zz/zarr.json", None) == "ex/data.zarr/" + LAST_NAME
    True
    """
    if found is not None and last.startswith(f"{found}/"):
        return f"{found}/{LAST_NAME}"
    before, hierarchy, _ = f"/{last}".partition(f"/{ZARR_ROOT}/")
    if not hierarchy:
        return last
    document = _beneath(before[1:], ROOT_DOCUMENT)
    if last < _beneath(before[1:], OLD_ROOT):
        return last
    return max(last, document[:-1]) if last < document else f"{_beneath(before[1:], str(ZARR_ROOT))}/{LAST_NAME}"


def _beneath(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name
