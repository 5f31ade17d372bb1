"""States of a large table, most of which is the same: what differs, and which entries mention something.

Owns looking at no more than what has changed from one state to the next. Must not know what the tables hold.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import chain, compress, islice
from operator import is_, is_not
from typing import Self

__all__ = ["Mentions", "Table", "differing"]


class Table[K, V](dict[K, V]):
    """A mapping that remembers what was changed since it was last settled, and since it was made from another.

    It is changed one key at a time: `update`, `pop` and the like are not noted.

    Parameters
    ----------
    items
        What it holds at first; `None` is no value.

    Attributes
    ----------
    earlier
        Keys that were changed since it was settled, each with what it held before; `None` for nothing.
    touched
        Keys that were ever changed, if only for a while, in the order in which they were.

    Examples
    --------
    >>> table = Table({"a": 1})
    >>> table.put("a", 2)
    >>> table.put("b", 3)
    >>> table.revert()
    >>> table
    {'a': 1}
    """

    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = ()) -> None:
        super().__init__(items)
        self.earlier: dict[K, V | None] = {}
        self.touched: dict[K, None] = {}
        self._state = object()  # another one after each change
        self._origin = items._state if isinstance(items, Table) else None  # noqa: SLF001 - of this class

    def __reduce__(self) -> tuple[type[Self], tuple[dict[K, V]]]:
        return type(self), (dict(self),)  # in another process nothing else is known of what it was made from

    @classmethod
    def copy_of(cls, other: Mapping[K, V]) -> Self:
        """Return a copy that counts as made from what another table was made from, with all that was touched in that."""
        copied = cls(other)
        if isinstance(other, Table):
            copied.touched, copied._origin = dict(other.touched), other._origin  # noqa: SLF001 - of this class
        return copied

    def __setitem__(self, key: K, value: V) -> None:
        self._note(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: K) -> None:
        self._note(key)
        super().__delitem__(key)

    def put(self, key: K, value: V) -> None:
        """Set a key."""
        self[key] = value

    def drop(self, key: K) -> V | None:
        """Take a key out, and return what it held; `None` when it was not there."""
        value = self.get(key)
        if value is not None:
            del self[key]
        return value

    def _note(self, key: K) -> None:
        self.earlier.setdefault(key, self.get(key))
        self.touched[key] = None
        self._state = object()

    def settle(self) -> None:
        """Keep all that was changed."""
        self.earlier.clear()

    def revert(self) -> None:
        """Go back to how it was when it was last settled."""
        for key, value in self.earlier.items():
            if value is None:
                self.pop(key, None)
            else:
                super().__setitem__(key, value)
        self.earlier.clear()
        self._state = object()

    def touched_since(self, other: Mapping[K, V]) -> Iterable[K] | None:
        """Return the keys that may hold something else than in a table that this was made from, or both were; else `None`.

        Examples
        --------
        >>> before = Table({"a": 1, "b": 2})
        >>> after = Table(before)
        >>> after.put("b", 3)
        >>> list(after.touched_since(before)), after.touched_since({"a": 1, "b": 2})
        (['b'], None)
        """
        if self._origin is None or not isinstance(other, Table):
            return None
        if self._origin is other._state:  # noqa: SLF001 - of this class
            return self.touched
        return {**other.touched, **self.touched} if self._origin is other._origin else None  # noqa: SLF001 - likewise


def differing[K](before: Mapping[K, object], after: Mapping[K, object]) -> list[K]:
    """Return the keys that have another value in one of two mappings than in the other, or that only one has.

    Where one table was made from the other, only what was touched in it is looked at. Of others a value that both hold is not
    compared, and as long as the keys are in the same order none is looked up.

    Examples
    --------
    >>> differing({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4})
    ['b', 'c']
    """
    if before is after:
        return []
    touched = after.touched_since(before) if isinstance(after, Table) else None
    if touched is not None:
        return [each for each in touched if before.get(each) != after.get(each)]
    gone: list[K] = []
    if not all(map(is_, before, after)):
        before, after = dict(before), dict(after)  # whose keys are compared without being hashed again
        gone = sorted(set(before).difference(after), key=str)
        for each in gone:
            del before[each]
    if all(map(is_, before, after)):
        changed = compress(before, map(is_not, before.values(), after.values()))
        found: Iterable[K] = chain(changed, islice(after, len(before), None), islice(before, len(after), None))
    else:
        found = compress(after, map(is_not, map(before.get, after), after.values()))
    return [*gone, *(each for each in found if before.get(each) != after.get(each))]


class Mentions[K, V]:
    """Which entries of a table may mention something. It only grows: whoever asks looks the entries up as they are then.

    Parameters
    ----------
    of
        What an entry mentions.

    Examples
    --------
    >>> mentions = Mentions[str, str](lambda key, value: value.split())
    >>> mentions.follow({"first": "some words", "second": "other words"})
    >>> mentions.entries("words"), mentions.entries("none")
    (['first', 'second'], [])
    """

    def __init__(self, of: Callable[[K, V], Iterable[Hashable]]) -> None:
        self._of = of
        self._noted: Mapping[K, V] = {}
        self._entries: dict[Hashable, dict[K, None]] = {}

    def __reduce__(self) -> tuple[type["Mentions[K, V]"], tuple[object]]:
        return type(self), (self._of,)  # in another process it looks through its table again

    def follow(self, table: Mapping[K, V]) -> None:
        """Take note of all entries of a table that is not changed any more, of which most are known."""
        for key in differing(self._noted, table):
            if key in table:
                self.note(key, table[key])
        self._noted = table  # last, so that another thread finds nothing in it that is not noted

    def keep_up(self, table: Mapping[K, V]) -> None:
        """Follow a table that has come from the last one that was followed, if any was: no step between may be left out."""
        if self._noted:
            self.follow(table)

    def note(self, key: K, value: V) -> None:
        """Take note of an entry."""
        for each in self._of(key, value):
            self._entries.setdefault(each, {})[key] = None

    def entries(self, mention: Hashable) -> list[K]:
        """Return the entries that mention something, or did so once."""
        return list(self._entries.get(mention, ()))
