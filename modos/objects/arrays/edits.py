"""How arrays join an object, go on in it and leave it: each an edit of one.

Owns the order: chunks, documents, the root document, and then what was there before. Must not know what data are encoded.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from modos._given import expect
from modos.errors import ConflictError, ElementExistsError, ElementNotFoundError, InvalidElementError, ModosError
from modos.model import ElementId
from modos.model.ids import check_name
from modos.objects.arrays.claims import claimed
from modos.objects.arrays.grids import is_part
from modos.objects.arrays.trees import is_labelled, is_whole
from modos.objects.editing.commit import commit
from modos.objects.editing.draft import Change, Draft
from modos.objects.editing.settling import complete
from modos.objects.history.purging import purge as purge_kept
from modos.objects.snapshot import Attributes, Snapshot
from modos.storage import ZARR_ROOT, Storage
from modos.storage.hierarchy.documents import document_path, group_member, member_document

if TYPE_CHECKING:
    from modos.objects.arrays.layouts.encoding import Fill, Options
    from modos.objects.arrays.staging import StagingStore

__all__ = ["Staged", "located", "nested", "publish", "remove", "stage"]

type Replaces = Literal["nothing", "all", "part"]


class Staged:
    """An array, or a group of arrays, that is to stand in an element's group.

    Parameters
    ----------
    base
        What the object said when it was staged.
    element, name
        Where it is to stand.
    store
        What holds its documents, and gets its chunks.
    fills
        What writes chunks that are not in the store yet.
    replaces
        What it takes the place of: nothing, an array that goes, or one that it is the continuation of.
    """

    def __init__(
        self,
        base: Snapshot,
        element: ElementId,
        name: str,
        store: "StagingStore",
        fills: "Iterable[Fill]" = (),
        *,
        replaces: Replaces = "nothing",
    ) -> None:
        self.path = f"{element}/{name}"
        self.replaces: Replaces = replaces
        self._element = element
        self.base = base
        self._there = nested(base, str(element))  # a copy: a draft's own goes on changing
        self._before = nested_in(self._there, self.path)
        self._store = store
        self._fills = list(fills)
        self._found: list[str] = []
        self._is_begun = False
        self._is_written = False
        self._held = ExitStack()

    @property
    def documents(self) -> Mapping[str, Attributes]:
        """Its documents, those of all that is nested in it, and of groups above it that are new; by path."""
        return {f"{self._element}/{path}": _member(each) for path, each in self._store.documents.items() if path}

    def plan(self, base: Snapshot) -> Change:
        """Return the edit that makes it a part of the object.

        Raises
        ------
        ElementExistsError
            When there is an array of this name that it does not take the place of.
        """
        draft = Draft(base)
        draft.add_array(self)
        return draft.change()

    def write(self, storage: Storage) -> None:
        """Store chunks, and then documents; whoever reads what was there before goes on reading that.

        Raises
        ------
        ConflictError
            When another writer is at work on an array of this name.
        """
        if self._is_written:
            return
        self._found = self._held.enter_context(claimed(storage, self.path))
        self._look_again(storage)
        self._is_begun = True
        uploads = self._store.attach(storage, f"{ZARR_ROOT}/{self._element}")
        for write in self._fills:
            write()
        uploads.wait()
        self._is_written = True
        for path, document in self.documents.items():
            if self._there.get(path) != document:
                uploads.put(f"{path.removeprefix(f'{self._element}/')}/zarr.json", member_document(document))
        uploads.wait()
        self._store.detach()

    def written(self) -> list[str]:
        """Return the files that were stored, documents among them."""
        chunks = (f"{ZARR_ROOT}/{self._element}/{key}" for key in self._store.stored)
        return [*chunks, *map(document_path, self.documents)]

    def _look_again(self, storage: Storage) -> None:
        """Refuse to write where there is more than the object says, if that belongs to an edit that only lacks the root.

        Its writer was killed when the edit was recorded already, so that whoever edits the object next completes it.
        """
        start = len(f"{ZARR_ROOT}/")
        if all(is_part(self._before, name[start:]) for name in self._found):
            return
        complete(storage, among_others=True)
        there = nested(Snapshot.read(storage), self.path)
        if there not in (self._before, nested_in(self.documents, self.path)):
            reason = "was written by somebody who was killed before the object said so; read the object again"
            raise ConflictError(self.path, reason=reason)

    def take_back(self, storage: Storage) -> None:
        """Remove what was written, unless it has become a part of the object after all."""
        self._store.detach()
        if not self._is_begun:
            self.release()
            return
        self._is_begun = False
        with suppress(ModosError), self._held:
            said = Snapshot.read(storage)
            documents = self.documents
            ours = nested_in(documents, self.path)
            if said.consolidated and nested(said, self.path) == ours:
                return
            if self._is_written:
                for path in ours.keys() & self._before.keys():
                    if ours[path] != self._before[path]:
                        storage.put(member_document(self._before[path]), document_path(path))
            others = said.others if said.consolidated else {}  # else it took these documents for the object's own
            new = [document_path(path) for path in documents if path not in {**self._there, **others}]
            chunks = (f"{self._element}/{key}" for key in self._store.stored)
            gone = [f"{ZARR_ROOT}/{path}" for path in chunks if not is_part(self._before, path)]
            storage.remove_many([*gone, *new])

    def left_behind(self) -> list[str]:
        """Return the files that are no part of it, once the object says so: of an earlier array, or of a broken edit."""
        self.release()
        documents = self.documents
        start = len(f"{ZARR_ROOT}/")
        return [name for name in self._found if not is_part(documents, name[start:])]

    def release(self) -> None:
        """Let other writers at arrays of this name."""
        self._held.close()


def stage(
    base: Snapshot, element_id: str | ElementId, data: object, name: str, options: "Options", *, overwrite: bool = False
) -> Staged:
    """Prepare an array for an edit; nothing is written, and large data are not encoded yet.

    Parameters
    ----------
    base
        What the object says.
    element_id
        The element that it belongs to.
    data
        What the table of `modos.objects.arrays.layouts.encoding` has, or numpy makes an array of.
    name
        Its name in the element's group; `a/b` stands in a group `a`.
    options
        How it is stored.
    overwrite
        Whether it may take the place of another.

    Raises
    ------
    ElementNotFoundError
        When there is no such element.
    InvalidElementError
        When the name cannot be that of an array, or data of this kind cannot be stored.
    ElementExistsError
        When there is an array of this name.
    """
    from modos.objects.arrays.layouts.encoding import encode, in_json, refuse_own

    refuse_own(options.attributes)
    options = replace(options, attributes=in_json(options.attributes))

    def write(store: "StagingStore") -> "list[Fill]":
        import zarr

        return encode(zarr.open_group(store, mode="r+", zarr_format=3), name, data, options)

    return stage_by(base, element_id, name, write, overwrite=overwrite)


def stage_by(
    base: Snapshot,
    element_id: str | ElementId,
    name: str,
    write: "Callable[[StagingStore], list[Fill]]",
    *,
    overwrite: bool = False,
) -> Staged:
    """Prepare what a function writes into a store; see `stage`."""
    from modos.objects.arrays.staging import StagingStore

    base.refuse_older()
    element = base.resolve(element_id)
    path = f"{element}/{_checked(name)}"
    before = nested(base, path)
    if before and not overwrite:
        raise ElementExistsError(path)
    above = _above(base, element, name)
    start = len(f"{element}/")
    store = StagingStore({each[start:]: said for each, said in before.items()}, above)
    fills = write(store)
    return Staged(base, element, name, store, fills, replaces="all" if before else "nothing")


def publish(storage: Storage, staged: Staged) -> Snapshot:
    """Write what was staged, and make it a part of the object."""
    try:
        staged.write(storage)  # before it is planned: some libraries make documents together with chunks
        said = commit(storage, staged.plan, base=staged.base)
    except BaseException:
        staged.take_back(storage)
        raise
    staged.release()
    return said


def remove(storage: Storage, element_id: str, name: str, *, purge: bool = False) -> Snapshot:
    """Remove an array, or a group with all that is nested in it.

    Raises
    ------
    ElementNotFoundError
        When there is no such element, or it has no array of this name.
    """
    gone: tuple[str, ...] = ()

    def plan(base: Snapshot) -> Change:
        nonlocal gone
        draft = Draft(base)
        draft.remove_array(element_id, name, purge=purge)
        gone = draft.gone_for_good
        return draft.change()

    said = commit(storage, plan)
    if gone:
        purge_kept(storage, gone)
    return said


def located(base: Snapshot, element_id: str | ElementId, name: str) -> str:
    """Return the path of an array in the hierarchy.

    Raises
    ------
    ElementNotFoundError
        When there is no such element, or it has no array of this name; the message names near ones.
    """
    element = base.resolve(element_id)
    path = f"{element}/{name}"
    if path not in base.others:
        raise ElementNotFoundError(path, base.arrays_of(element))
    return path


def nested(said: Snapshot, path: str) -> dict[str, Attributes]:
    """Return the documents of an array or group, and of all that is nested in it."""
    return nested_in(said.others, path)


def nested_in(documents: Mapping[str, Attributes], path: str) -> dict[str, Attributes]:
    """Return those documents that are of a path or beneath it."""
    return {each: found for each, found in documents.items() if each == path or each.startswith(f"{path}/")}


def _checked(name: str) -> str:
    expect(name, str, "an array is named by text")
    for part in name.split("/"):
        try:
            check_name(part)
        except InvalidElementError as error:
            reason = f"{name!r} cannot be the name of an array: its part {error}"
            raise InvalidElementError(reason, slot="name", value=name) from error
    return name


def _above(base: Snapshot, element: ElementId, name: str) -> dict[str, Attributes]:
    """Return the documents of the groups that a name lies in, as far as there are such; refuse those that hold data."""
    parts = name.split("/")
    found = {}
    for depth in range(1, len(parts)):
        path = "/".join(parts[:depth])
        said = base.others.get(f"{element}/{path}")
        if said is None:
            continue
        if is_whole(said) or is_labelled(base.others, f"{element}/{path}"):
            reason = f"{name!r} cannot be the name of an array: {path!r} is one, and no group"
            raise InvalidElementError(reason, slot="name", value=name)
        found[path] = said
    return found


def _member(document: Attributes) -> Attributes:
    if document["node_type"] == "group":
        return group_member(document.get("attributes", {}))
    return document
