"""`modos diff`: what differs between two moments of an object, or between two objects.

Owns the words of the command. Must not know how states are compared.
"""

from pathlib import Path
from typing import Annotated

import typer

from modos.cli.differing import show_difference
from modos.cli.places import Anonymous, AsJSON, Endpoint, Place, access, check_s3

__all__ = ["diff"]


def diff(
    place: Place,
    before: Annotated[
        str,
        typer.Argument(metavar="FROM", help="A commit, as 'modos log' lists them; or another object to compare with."),
    ],
    after: Annotated[
        str | None, typer.Argument(metavar="TO", help="A later commit; without it what the object says now.")
    ] = None,
    *,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Tell what differs: elements slot by slot, arrays.

    With a commit: between what the object said after it and after another, or now. With another object: what that one has
    more (+), otherwise (~) or not (-).
    """
    check_s3(place, before, endpoint=endpoint, anon=anon)
    if _is_place(before) and after is not None:
        raise typer.BadParameter("two objects are compared as they are now; leave TO out")
    from modos import MODO

    modo = MODO(place, **access(place, endpoint=endpoint, anon=anon))
    if _is_place(before):
        difference = modo.diff(MODO(before, **access(before, endpoint=endpoint, anon=anon)))
    else:
        difference = modo.diff(before, after)
    show_difference(difference, as_json=as_json)


def _is_place(text: str) -> bool:
    """Tell an object from a commit, whose id has no slash and is no directory."""
    return "/" in text or Path(text).is_dir()
