"""What a digital object says at one moment: its attributes and those of its elements.

Owns reading that from the root document, and looking things up in it. Changes nothing and knows no files' content.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from modos.errors import (
    DamagedObjectError,
    ElementNotFoundError,
    InvalidElementError,
    KeyNotFoundError,
    ObjectNotFoundError,
    ReadOnlyError,
    StorageError,
)
from modos.model import ELEMENT_KINDS, ElementId
from modos.model.ids import possible_ids
from modos.model.links import link_names
from modos.model.schema import shown_value
from modos.objects.checks.older import read_old_root
from modos.objects.editing.files import FileNames
from modos.objects.history.commits import Contained
from modos.objects.mentions import Mentions, Table, differing
from modos.storage import ROOT_DOCUMENT, ZARR_ROOT, Storage
from modos.storage.directories import Sight, file_sight
from modos.storage.hierarchy.documents import group_member
from modos.storage.hierarchy.root import RootText, ZarrRoot, read_root

__all__ = ["Attributes", "Lookup", "Snapshot", "hint"]

type Attributes = dict[str, Any]

_CURRENT = 3
_KINDS: Mapping[str, Attributes] = {kind: group_member({}) for kind in ELEMENT_KINDS}
_MANY = 16
"""When one of so many members is another, the root document is written from the beginning and not edited."""


def _links(_: ElementId, attributes: Attributes) -> Iterator[tuple[str, str]]:
    return link_names(attributes)


def _groups(path: str, _: Attributes) -> list[str]:
    """Return the full id of the element in whose group something is nested."""
    return ["/".join(path.split("/", 2)[:2])] if path.count("/") > 1 else []


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where to look for what uses the name of a file, links to an element, or is nested in a group.

    One serves all states that come from another, so that an edit of a large object notes no more than what it changes.

    Attributes
    ----------
    users
        Elements, by names of files.
    links
        Elements, by kind and name of those that they link to.
    parts
        Paths, by full ids of the elements in whose groups they are.
    """

    users: Mentions[ElementId, Attributes] = field(default_factory=FileNames.users)
    links: Mentions[ElementId, Attributes] = field(default_factory=partial(Mentions, _links))
    parts: Mentions[str, Attributes] = field(default_factory=partial(Mentions, _groups))

    def keep_up(self, elements: Mapping[ElementId, Attributes], others: Mapping[str, Attributes]) -> None:
        """Take note of a state of which little is new as long as each is noted, where anything was looked for before."""
        self.users.keep_up(elements)
        self.links.keep_up(elements)
        self.parts.keep_up(others)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a digital object said when it was read.

    Attributes
    ----------
    url
        Address of the object.
    attributes
        Those of the object itself; empty when there is none yet.
    elements
        Attributes of its elements.
    others
        Documents of everything else in the hierarchy: groups of element types, arrays, and what other programs put there.
    exists
        Whether there is such an object.
    consolidated
        Whether the root document said all this, or groups were looked up one by one as they are now.
    zarr_format
        Format of its hierarchy; what is of format 2 is read and not written.
    is_proper
        Whether all of it can be written as JSON, for certain.
    contained
        Which edits it contains.
    read_at
        When it was read, by `time.monotonic`; 0 for what was not read here.
    document
        A root document that says this, or what this was made from; `None` for none.
    lookup
        Where to look for things in it.
    log
        How the directory of the log is seen as long as nothing is in it that this does not contain; `None` where that is
        not known.
    """

    url: str
    attributes: Attributes = field(default_factory=dict)
    elements: Mapping[ElementId, Attributes] = field(default_factory=dict)
    others: Mapping[str, Attributes] = field(default_factory=dict)
    exists: bool = True
    consolidated: bool = field(default=True, compare=False)
    zarr_format: int = field(default=_CURRENT, compare=False)
    is_proper: bool = field(default=True, compare=False)
    contained: Contained = field(default=Contained(), compare=False)
    read_at: float = field(default=0.0, compare=False)
    document: "Document | None" = field(default=None, compare=False, repr=False)
    lookup: Lookup = field(default_factory=Lookup, compare=False, repr=False)
    log: Sight | None = field(default=None, compare=False, repr=False)

    @classmethod
    def read(cls, storage: Storage, known: Self | None = None) -> Self:
        """Read an object's metadata: one request, for an object of zarr format 2 three.

        Parameters
        ----------
        storage
            The root of the object.
        known
            What it said at some time, which is taken when it says the same still, since parsing takes long; `None` for
            nothing.

        Raises
        ------
        ObjectNotFoundError
            When there is no object.
        DamagedObjectError
            When its metadata cannot be read; a note names the command that tells more.
        """
        try:
            return cls._read(storage, known)
        except DamagedObjectError as error:
            error.add_note(hint(storage))
            raise
        except ObjectNotFoundError as error:
            if not error.reason and _is_left(storage):
                reason = f"{ZARR_ROOT} is here without its root document, which makes an object of it"
                found = ObjectNotFoundError(storage.url, reason)
                found.add_note(hint(storage))
                raise found from error
            raise

    @classmethod
    def _read(cls, storage: Storage, known: Self | None) -> Self:
        began = time.monotonic()
        root, zarr_format, body = _root_of(storage, None if known is None else known._own_document)  # noqa: SLF001 - of this class
        if root is None:
            assert known is not None
            return replace(known, read_at=began)
        elements, others = {}, {}
        for path, document in root.members.items():
            element = _element_of(path) if document.get("node_type") == "group" else None
            if element is None:
                others[path] = document
            else:
                elements[element] = _checked_attributes(document, path, storage.url)
        if not isinstance(root.attributes.get("id"), str):
            which = "" if zarr_format == _CURRENT else f" of zarr format {zarr_format}"
            reason = f"its metadata has no id: this is a zarr hierarchy{which}, but no digital object"
            raise DamagedObjectError(storage.url, reason)
        said = cls(
            storage.url,
            root.attributes,
            Table(elements),
            Table(others),
            consolidated=root.consolidated,
            zarr_format=zarr_format,
            is_proper=root.is_proper,
            contained=Contained.parse(root.log, root.attributes),
            read_at=began,
        )
        return replace(said, document=Document(said, body)) if root.consolidated and body is not None else said

    @classmethod
    def read_if_any(cls, storage: Storage, known: Self | None = None) -> Self:
        """Read an object's metadata, as `read` does, or return that of an object that does not exist yet."""
        try:
            return cls._read(storage, known)
        except DamagedObjectError as error:
            error.add_note(hint(storage))
            raise
        except ObjectNotFoundError:
            return cls(storage.url, exists=False)

    @property
    def _own_document(self) -> "Document | None":
        """The root document that says this; `None` when it is not at hand."""
        return self.document if self.document is not None and self.document.says(self) else None

    def written(self) -> tuple[Self, RootText]:
        """Return the same with the root document that says so, and that: an earlier one, edited, when little is different."""
        known = self.document
        changed = {} if known is None else self._members_since(known.said)
        is_little = len(changed) * _MANY <= len(self.elements) + len(self.others)
        if is_little and known is not None and isinstance(known.text, RootText):
            text = known.text.edited(self.attributes, self.contained.dump(), changed)
        else:
            text = self.root().text()
        said = replace(self, consolidated=True, document=None)
        return replace(said, document=Document(said, text)), text

    def _members_since(self, before: "Snapshot") -> dict[str, Attributes | None]:
        """Return the members that are others than they were, `None` for those that are gone."""
        elements = {str(each): self.elements.get(each) for each in differing(before.elements, self.elements)}
        paths = [path for path in differing(before.others, self.others) if _element_of(path) not in self.elements]
        others = {path: self.others.get(path, _KINDS.get(path)) for path in (*elements, *paths)}
        return others | {path: group_member(said) for path, said in elements.items() if said is not None}

    @property
    def id(self) -> str:
        """The object's own id."""
        return str(self.attributes["id"])

    def refuse_older(self) -> None:
        """Refuse to write an object of an older format.

        Raises
        ------
        ReadOnlyError
            Names the command that rewrites it.
        """
        if self.zarr_format != _CURRENT:
            how = f"is of zarr format {self.zarr_format}, which is only read; 'modos upgrade {self.url}' rewrites it"
            raise ReadOnlyError(self.url, how)

    def refuse_improper(self) -> None:
        """Refuse to write what is no JSON, as some programs do: NaN, and halves of characters.

        Raises
        ------
        DamagedObjectError
            Names the element, or the array.
        """
        if self.is_proper:
            return
        documents = {self.attributes.get("id", "the object"): self.attributes, **self.elements, **self.others}
        for place, document in documents.items():
            try:
                json.dumps({str(place): document}, ensure_ascii=False, allow_nan=False).encode()
            except ValueError as error:
                reason = f"{shown_value(str(place))} holds a number or a character that JSON has not, such as NaN; set or unset that first"
                raise DamagedObjectError(self.url, reason) from error

    def holds_the_same_as(self, other: "Snapshot") -> bool:
        """Tell, without comparing anything, whether both hold one and the same; `False` does not say that they differ."""
        return self.attributes is other.attributes and self.elements is other.elements and self.others is other.others

    def metadata(self) -> dict[str, Attributes]:
        """Return everything that is said, by id: the object's own first, then `type/id`; a copy."""
        return deepcopy(self.by_key())

    def by_key(self) -> dict[str, Attributes]:
        """Return what `metadata` returns, for those who only read: nothing is copied."""
        return {self.id: self.attributes, **dict(sorted((str(each), said) for each, said in self.elements.items()))}

    def resolve(self, element: str | ElementId) -> ElementId:
        """Return the full id of an element named by its full id, or by its own id where only one has it.

        Raises
        ------
        ElementNotFoundError
            When there is none; the message names near ones.
        InvalidElementError
            When several elements of different kinds have this id; the message names them.
        """
        found = [each for each in possible_ids(element) if each in self.elements]
        if not found:
            raise ElementNotFoundError(str(element), [*map(str, self.elements), *(each.name for each in self.elements)])
        if len(found) > 1:
            several = sorted(map(str, found))
            reason = f"{element!r} is the id of several elements: {', '.join(several)}; write the full id"
            raise InvalidElementError(reason, slot="id", value=element, allowed=several)
        return found[0]

    def arrays_of(self, element: ElementId) -> Iterator[str]:
        """Yield paths of what is nested in an element's group."""
        self.lookup.parts.follow(self.others)
        return (path for path in self.lookup.parts.entries(str(element)) if path in self.others)

    def linking_to(self, element: ElementId) -> Iterator[ElementId]:
        """Yield the elements that link to one."""
        self.lookup.links.follow(self.elements)
        link = (element.kind, element.name)
        return (each for each in self.lookup.links.entries(link) if link in link_names(self.elements.get(each, {})))

    @property
    def names(self) -> FileNames:
        """Which names of files are in use, and by which elements."""
        return FileNames(self.elements, self.lookup.users)

    def root(self) -> ZarrRoot:
        """Return the root document that says all this."""
        groups = {str(element): group_member(attributes) for element, attributes in self.elements.items()}
        return ZarrRoot(self.attributes, {**_KINDS, **self.others, **groups}, log=self.contained.dump())


@dataclass(frozen=True, slots=True)
class Document:
    """A root document and what it says.

    Attributes
    ----------
    said
        What it says.
    text
        The document, as it can be edited; as it was read when it was written elsewhere, in whatever form.
    sight
        How its file on this machine is seen as long as nobody has written another; `None` where that is not known.
    """

    said: Snapshot
    text: RootText | bytes
    sight: Sight | None = None

    def is_body(self, body: bytes) -> bool:
        """Tell whether it is the same as one that was read."""
        return body == self.text if isinstance(self.text, bytes) else self.text.is_body(body)

    def says(self, other: Snapshot) -> bool:
        """Tell whether it says what another snapshot does, which is so where both hold the same."""
        return other.holds_the_same_as(self.said) and other.contained is self.said.contained


def _root_of(storage: Storage, known: Document | None) -> tuple[ZarrRoot | None, int, bytes | None]:
    """Return what the hierarchy says, `None` when it is what is known; its format, and the root document."""
    if known is not None and known.sight is not None and known.sight == file_sight(Path(storage.path, ROOT_DOCUMENT)):
        return None, _CURRENT, None
    try:
        body = storage.read(ROOT_DOCUMENT)
        return (None if known is not None and known.is_body(body) else read_root(storage, body)), _CURRENT, body
    except KeyNotFoundError as error:
        old = read_old_root(storage)
        if old is not None:
            return old, 2, None
        reason = "" if error.reason == "" else f"there is no digital object here: {error.reason}"
        from modos.storage.pipelines.detection import hint_for  # only those who look in the wrong place wait for it

        if hint := hint_for(storage):
            reason = f"{ObjectNotFoundError.usual}{hint}"
        raise ObjectNotFoundError(storage.url, reason) from error


def _is_left(storage: Storage) -> bool:
    """Tell whether there is anything of a hierarchy; a place that cannot be listed tells nothing."""
    with suppress(StorageError):
        return next(storage.scan(ZARR_ROOT), None) is not None
    return False


def hint(storage: Storage) -> str:
    """Return what an error about damage adds: the command that tells more."""
    return f"'modos check {storage.url}' tells what is wrong with it and what can be done"


def _element_of(path: str) -> ElementId | None:
    if path.count("/") != 1:
        return None
    try:
        return ElementId.parse(path)
    except InvalidElementError:
        return None


def _checked_attributes(document: Attributes, path: str, url: str) -> Attributes:
    attributes = document.get("attributes", {})
    if not isinstance(attributes, dict) or not isinstance(attributes.get("@type"), str):
        raise DamagedObjectError(f"{url}/{ROOT_DOCUMENT}", f"the element {path} has no attributes with an @type")
    return attributes
