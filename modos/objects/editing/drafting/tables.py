"""Tables that can go back to how they were, so that a step of an edit that is refused leaves nothing.

Owns remembering what a key held before. Knows nothing of edits.
"""

from collections.abc import Iterable, Mapping

__all__ = ["Table"]


class Table[K, V](dict[K, V]):
    """A mapping that remembers what was changed since it was last settled; changed by its own methods only.

    Parameters
    ----------
    items
        What it holds at first; `None` is no value.

    Attributes
    ----------
    earlier
        Keys that were changed, each with what it held before; `None` for nothing.
    touched
        Keys that were ever changed, if only for a while.

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
        self.touched: set[K] = set()

    def put(self, key: K, value: V) -> None:
        """Set a key."""
        self.earlier.setdefault(key, self.get(key))
        self.touched.add(key)
        self[key] = value

    def drop(self, key: K) -> V | None:
        """Take a key out, and return what it held; `None` when it was not there."""
        if key not in self:
            return None
        self.earlier.setdefault(key, self[key])
        self.touched.add(key)
        return self.pop(key)

    def settle(self) -> None:
        """Keep all that was changed."""
        self.earlier.clear()

    def revert(self) -> None:
        """Go back to how it was when it was last settled."""
        for key, value in self.earlier.items():
            if value is None:
                self.pop(key, None)
            else:
                self[key] = value
        self.earlier.clear()
