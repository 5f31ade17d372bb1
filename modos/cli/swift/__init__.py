"""`modos swift`: a token to hand on, and containers of OpenStack Swift, made, opened to others or closed.

Owns the table of these commands. Must not know what any of them does.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from modos.cli.swift.access import private, public
from modos.cli.swift.containers import containers, create
from modos.cli.swift.info import info
from modos.cli.swift.orphans import orphans
from modos.cli.swift.sign import sign
from modos.cli.swift.token import token

__all__ = ["SWIFT_COMMANDS", "SWIFT_HELP"]

SWIFT_COMMANDS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        "token": token,
        "info": info,
        "containers": containers,
        "create": create,
        "public": public,
        "private": private,
        "sign": sign,
        "orphans": orphans,
    }
)
"""Name of a command to the function that is it, in the order of the help."""

SWIFT_HELP = "Log in to OpenStack Swift, make containers, and share them: with everyone, or by signed addresses."
