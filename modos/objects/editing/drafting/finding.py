"""Finding elements while an edit is planned: by id, by what they link to, and what is nested in their groups.

Owns indexes over what the draft holds, so that no step of an edit walks through all of it. Decides nothing.
"""

from collections.abc import Iterator, Mapping

from modos.model import ElementId
from modos.model.links import link_names
from modos.objects.snapshot import Attributes

__all__ = ["Finder"]


class Finder:
    """Where things are in a draft. Its indexes only grow; what they name is looked up before it is told.

    Parameters
    ----------
    elements, others
        What the draft holds, as it changes.
    """

    def __init__(self, elements: Mapping[ElementId, Attributes], others: Mapping[str, Attributes]) -> None:
        self._elements = elements
        self._others = others
        self._named: dict[str, dict[ElementId, None]] | None = None
        self._linking: dict[tuple[str, str], dict[ElementId, None]] | None = None
        self._nested: dict[str, dict[str, None]] | None = None

    def element(self, text: str | ElementId) -> ElementId | None:
        """Return the element that a full id, or an own id that only one has, names; else `None`."""
        if isinstance(text, ElementId):
            return text if text in self._elements else None
        if self._named is None:
            self._named = {}
            for each in self._elements:
                self._named.setdefault(each.name, {})[each] = None
        possible = self._named.get(text.rpartition("/")[2], {})
        found = [each for each in possible if each in self._elements and text in (each.name, str(each))]
        return found[0] if len(found) == 1 else None

    def linking_to(self, element: ElementId) -> list[tuple[ElementId, Attributes]]:
        """Return the elements that may link to one, with what they say."""
        if self._linking is None:
            self._linking = {}
            for each, attributes in self._elements.items():
                self._note_links(self._linking, each, attributes)
        possible = self._linking.get((element.kind, element.name), {})
        return [(each, self._elements[each]) for each in possible if each in self._elements]

    def nested_in(self, element: ElementId) -> list[str]:
        """Return the paths of what is nested in an element's group."""
        if self._nested is None:
            self._nested = {}
            for path in self._others:
                self._note_nested(self._nested, path)
        return [path for path in self._nested.get(str(element), {}) if path in self._others]

    def beneath(self, path: str) -> Iterator[str]:
        """Return a path in an element's group, if there is something, and all paths beneath it."""
        kind, name, *_ = path.split("/")
        return (each for each in self.nested_in(ElementId.parse(f"{kind}/{name}")) if f"{each}/".startswith(f"{path}/"))

    def note_element(self, element: ElementId, attributes: Attributes) -> None:
        """Take note of what an element says now."""
        if self._named is not None:
            self._named.setdefault(element.name, {})[element] = None
        if self._linking is not None:
            self._note_links(self._linking, element, attributes)

    def note_other(self, path: str) -> None:
        """Take note of something that is nested in a group."""
        if self._nested is not None:
            self._note_nested(self._nested, path)

    @staticmethod
    def _note_links(
        linking: dict[tuple[str, str], dict[ElementId, None]], element: ElementId, attributes: Attributes
    ) -> None:
        for target in link_names(attributes):
            linking.setdefault(target, {})[element] = None

    @staticmethod
    def _note_nested(nested: dict[str, dict[str, None]], path: str) -> None:
        parts = path.split("/", 2)
        if len(parts) == 3:  # noqa: PLR2004 - kind, name, and what is nested
            nested.setdefault(f"{parts[0]}/{parts[1]}", {})[path] = None
