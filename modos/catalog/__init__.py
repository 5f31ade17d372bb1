"""Many objects: finding them wherever they are stored.

Owns what a user asks of a place that may hold many objects. Must not know how one object is edited.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.catalog.listing import FoundObject, list_modos

__all__ = ["FoundObject", "list_modos"]

__getattr__ = lazy_names(__name__, {"FoundObject": ".listing", "list_modos": ".listing"})
