"""Two states of a large table, most of which is the same: what differs, and which entries mention something.

Owns looking at no more than what has changed from one state to the next. Must not know what the tables hold.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import chain, compress, islice
from operator import is_, is_not

__all__ = ["Mentions", "differing"]


def differing[K](before: Mapping[K, object], after: Mapping[K, object]) -> list[K]:
    """Return the keys that have another value in one of two mappings than in the other, or that only one has.

    A value that both hold is not compared, and as long as the keys are in the same order, as edits leave them, none is looked
    up: of very many entries that takes no time that counts.

    Examples
    --------
    >>> differing({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4})
    ['b', 'c']
    """
    if before is after:
        return []
    gone: list[K] = []
    if not all(map(is_, before, after)):
        gone = sorted(set(before).difference(after), key=str)
        before = dict(before)
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

    def note(self, key: K, value: V) -> None:
        """Take note of an entry."""
        for each in self._of(key, value):
            self._entries.setdefault(each, {})[key] = None

    def entries(self, mention: Hashable) -> list[K]:
        """Return the entries that mention something, or did so once."""
        return list(self._entries.get(mention, ()))
