"""`modos create`: a new object, empty, from a description, or asked for step by step.

Owns the words of the command. Must not know how an object is made.
"""

from typing import Annotated, Any

import typer

from modos.cli.differing import DryRun, show_difference
from modos.cli.object.elements import FileFormat, FromFile, document, missing, refuse_beside, refuse_without
from modos.cli.places import Anonymous, AsJSON, Endpoint, MaybePlace, access, check_s3
from modos.cli.prompting import ask_for_object, can_ask

__all__ = ["create"]


def create(
    context: typer.Context,
    place: MaybePlace = None,
    *,
    from_file: FromFile = None,
    format: FileFormat = None,  # noqa: A002 - the word users know
    id: Annotated[str | None, typer.Option(metavar="ID", help="Its id; the last part of its path by default.")] = None,  # noqa: A002 - the slot's name
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="A short name.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is about.")] = None,
    source_uri: Annotated[str | None, typer.Option(metavar="URI", help="Where it comes from.")] = None,
    dry_run: DryRun = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Create an object, empty or with all that a description says, and write its address.

    Without OBJECT, on a terminal, it asks for everything, and for elements to put into it. With --from-file, a mistake
    anywhere in the description creates nothing. An object that is there already is left alone; see 'modos update'.
    """
    from modos import MODO

    slots: dict[str, Any] = {"id": id, "name": name, "description": description, "source_uri": source_uri}
    if from_file:
        refuse_beside("--from-file", **slots)
    else:
        refuse_without(format=format, dry_run=dry_run or None, json=as_json or None)
    if place is None:
        if from_file or not can_ask():
            raise missing(context, "OBJECT")
        ask_for_object(slots, endpoint=endpoint, anon=anon)
        return
    check_s3(place, endpoint=endpoint, anon=anon)
    options = access(place, endpoint=endpoint, anon=anon)
    if not from_file:
        typer.echo(MODO.create(place, options=options, **slots).url)
        return
    described, how = document(from_file), {"new": True, "format": format, **options}
    if dry_run or as_json:
        difference = MODO.plan_from_file(described, place, **how)
    modo = None if dry_run else MODO.from_file(described, place, **how)
    if dry_run or as_json:
        show_difference(difference, as_json=as_json, dry_run=dry_run, object=place if modo is None else modo.url)
    elif modo is not None:
        typer.echo(modo.url)
