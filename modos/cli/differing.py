"""What changes, or would change, on the command line: a line for each thing, or JSON.

Owns the options of a dry run and how a difference looks on a terminal. Must not know where a difference comes from.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modos.cli.reporting import note, visible

if TYPE_CHECKING:
    from modos.objects.differences import Difference

__all__ = ["DryRun", "show_difference"]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be changed, slot by slot; change nothing.")]

_COLOURS = {"+": typer.colors.GREEN, "~": typer.colors.YELLOW, "-": typer.colors.RED}


def show_difference(difference: "Difference", *, as_json: bool, dry_run: bool = False, **also: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """Write a difference to standard output, and its counts to standard error.

    Parameters
    ----------
    difference
        What to show.
    as_json
        Whether a program reads.
    dry_run
        Whether it is only what would be changed.
    **also
        What else the JSON document tells.
    """
    if as_json:
        typer.echo(json.dumps({**also, "dry_run": dry_run, **difference.as_dict()}, indent=2))
        return
    for line in difference.lines():
        typer.secho(visible(line), fg=_COLOURS.get(line[0]))
    if difference.is_empty:
        note("nothing would be changed" if dry_run else "nothing is changed")
    else:
        note(f"would be {difference.summary()}" if dry_run else difference.summary())
