"""Asking for what a command was not told: `modos create` and `modos add` on a terminal.

Owns the questions and what becomes of the answers. Must not know the options of any command.
"""

import os
import sys
from typing import Any

__all__ = ["ask_for_elements", "ask_for_object", "can_ask"]


def can_ask() -> bool:
    """Tell whether there is somebody to ask: a terminal to read from and to write to."""
    ends = (sys.stdin, sys.stderr)
    return all(each is not None and each.isatty() for each in ends) and os.environ.get("TERM") != "dumb"


def ask_for_object(given: dict[str, Any], *, endpoint: str | None, anon: bool) -> None:
    """Ask for a new object, make it, and write its address; see `session`."""
    from modos.cli.prompting import session

    session.ask_for_object(given, endpoint=endpoint, anon=anon)


def ask_for_elements(place: str | None, *, endpoint: str | None, anon: bool) -> Any:  # noqa: ANN401 - as in `session`
    """Ask for elements, add them in one edit, and return the object and their ids; see `session`."""
    from modos.cli.prompting import session

    return session.ask_for_elements(place, endpoint=endpoint, anon=anon)
