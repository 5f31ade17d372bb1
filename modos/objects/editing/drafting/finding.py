"""Finding things while an edit is planned: elements by id and by what they link to, what is nested in groups, names of files.

Owns that an edit, and what it was planned on, are looked through together. Decides nothing.
"""

from collections.abc import Iterator, Mapping

from modos.model import ElementId
from modos.model.ids import possible_ids
from modos.objects.editing.files import FileNames
from modos.objects.snapshot import Attributes, Snapshot

__all__ = ["Finder"]


class Finder:
    """Where things are in a draft, as it is when it is asked.

    Parameters
    ----------
    base
        What the object says.
    elements, others
        What the draft holds, as it changes.
    """

    def __init__(
        self, base: Snapshot, elements: Mapping[ElementId, Attributes], others: Mapping[str, Attributes]
    ) -> None:
        self._base = base
        self._lookup = base.lookup
        self._elements = elements
        self._others = others
        self._unread: list[ElementId] = []
        self._lookup.keep_up(base.elements, base.others)

    def element(self, text: str | ElementId) -> ElementId | None:
        """Return the element that a full id, or an own id that only one has, names; else `None`."""
        found = [each for each in possible_ids(text) if each in self._elements]
        return found[0] if len(found) == 1 else None

    def linking_to(self, element: ElementId) -> list[tuple[ElementId, Attributes]]:
        """Return the elements that may link to one, with what they say."""
        self._lookup.links.follow(self._base.elements)
        while self._unread:
            each = self._unread.pop()
            self._lookup.links.note(each, self._elements.get(each, {}))
        possible = self._lookup.links.entries((element.kind, element.name))
        return [(each, self._elements[each]) for each in possible if each in self._elements]

    def nested_in(self, element: ElementId) -> list[str]:
        """Return the paths of what is nested in an element's group."""
        self._lookup.parts.follow(self._base.others)
        return [path for path in self._lookup.parts.entries(str(element)) if path in self._others]

    def beneath(self, path: str) -> Iterator[str]:
        """Return a path in an element's group, if there is something, and all paths beneath it."""
        kind, name, *_ = path.split("/")
        return (each for each in self.nested_in(ElementId.parse(f"{kind}/{name}")) if f"{each}/".startswith(f"{path}/"))

    @property
    def names(self) -> FileNames:
        """Which names of files are in use, and by which elements."""
        return FileNames(self._elements, self._lookup.users, self._base.elements)

    def note_element(self, element: ElementId, attributes: Attributes) -> None:
        """Take note of what an element says now: of its links, which may be very many, when links are asked for."""
        self._lookup.users.note(element, attributes)
        self._unread.append(element)

    def note_other(self, path: str, document: Attributes) -> None:
        """Take note of something that is nested in a group."""
        self._lookup.parts.note(path, document)
