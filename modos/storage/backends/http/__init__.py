"""Web servers as storages: what is asked of one, what comes back, and what its index pages list.

Owns the name of the storage. Must not know what is read.
"""

from modos.storage.backends.http.storage import HTTPStorage

__all__ = ["HTTPStorage"]
