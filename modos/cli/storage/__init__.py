"""`modos storage`: what a place can do.

Owns the table of these commands. Must not know what any of them does.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from modos.cli.storage.doctor import doctor

__all__ = ["STORAGE_COMMANDS", "STORAGE_HELP"]

STORAGE_COMMANDS: Mapping[str, Callable[..., None]] = MappingProxyType({"doctor": doctor})
"""Name of a command to the function that is it, in the order of the help."""

STORAGE_HELP = "Examine where objects are kept: directories, S3, OpenStack Swift and the rest."
