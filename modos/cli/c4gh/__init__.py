"""`modos c4gh`: keys, and files encrypted with crypt4gh, wherever they are.

Owns the table of these commands. Must not know what any of them does.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from modos.cli.c4gh.decrypt import decrypt
from modos.cli.c4gh.encrypt import encrypt
from modos.cli.c4gh.keygen import keygen
from modos.cli.c4gh.recipients import recipients
from modos.cli.c4gh.reshare import reshare

__all__ = ["C4GH_COMMANDS", "C4GH_HELP"]

C4GH_COMMANDS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {"keygen": keygen, "encrypt": encrypt, "decrypt": decrypt, "recipients": recipients, "reshare": reshare}
)
"""Name of a command to the function that is it, in the order of the help."""

C4GH_HELP = "Encrypt files with crypt4gh, decrypt them, and share them with others, wherever they are."
