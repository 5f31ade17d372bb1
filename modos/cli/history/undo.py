"""`modos undo`: taking an edit back.

Owns the words of the command. Must not know what that takes.
"""

from typing import Annotated

import typer

from modos.cli.differing import DryRun, show_difference
from modos.cli.places import Anonymous, AsJSON, Endpoint, Place, open_object

__all__ = ["undo"]


def undo(
    place: Place,
    commit: Annotated[
        str | None,
        typer.Argument(metavar="COMMIT", help="As 'modos log' lists them; without it the newest that is not undone."),
    ] = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Take an edit back, files included, by an edit of its own, and tell what that changed.

    What later edits changed besides stays; where they changed the same, nothing is done. Undoing an undo does the edit again.
    """
    changed = open_object(place, endpoint=endpoint, anon=anon).undo(commit, dry_run=dry_run)
    show_difference(changed, as_json=as_json, dry_run=dry_run)
