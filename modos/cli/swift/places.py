"""Containers and time-spans on the command line.

Owns how they are written, and what they come to. Must not know what a command does.
"""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from modos.swift import SwiftFileSystem

__all__ = ["Container", "duration", "opened"]

_LONGEST = timedelta(days=36525)
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Container = Annotated[
    str, typer.Argument(metavar="CONTAINER", help="Its name, swift://name, or swift+https://host/v1/ACCOUNT/name.")
]


def duration(text: str) -> timedelta:
    """Return a time-span such as `90` (seconds), `15m`, `12h`, `7d` or `2w`.

    Raises
    ------
    typer.BadParameter
        When it is none.
    """
    found = re.fullmatch(r"(\d{1,6})([smhdw]?)", text.strip().lower())
    if found is None:
        message = f"{text!r} is no time-span, which looks like 15m, 12h or 7d"
        raise typer.BadParameter(message)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if span > _LONGEST:
        message = f"{text!r} is longer than a century"
        raise typer.BadParameter(message)
    return span


def opened(place: str) -> "tuple[SwiftFileSystem, str]":
    """Return the filesystem that a place is in, and its path there.

    Raises
    ------
    typer.BadParameter
        When it is not in Swift.
    """
    from modos.swift import SwiftFileSystem
    from modos.swift.protocol import split_url

    scheme, colon, rest = place.partition("://")
    if colon and scheme not in {"swift", "swift+http", "swift+https"}:
        message = f"{place!r} is not in Swift, where addresses look like swift://container"
        raise typer.BadParameter(message)
    account, path = split_url(place) if colon and scheme != "swift" else ("", rest if colon else place)
    account_url = account.removeprefix("swift+") or None
    # a new one, for the environment may name another account by now; and `::` in a name means nothing
    return SwiftFileSystem(account_url=account_url, skip_instance_cache=True), path.strip("/")
