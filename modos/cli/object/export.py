"""`modos export`: an object as a description, which makes the same object again.

Owns the words of the command. Must not know what a description holds.
"""

from pathlib import Path
from typing import Annotated

import typer

from modos.cli.places import Anonymous, Endpoint, Place, open_object

__all__ = ["export"]

_STANDARD_OUTPUT = "-"


def export(
    place: Place,
    *,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File, or folder of tables, to write; - is standard output."
        ),
    ] = _STANDARD_OUTPUT,
    format: Annotated[  # noqa: A002 - the word users know
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="yaml, json, csv, tsv, turtle, n-triples, xml or json-ld; without it as FILE is named, else yaml.",
        ),
    ] = None,
    no_files: Annotated[
        bool, typer.Option("--no-files", help="Leave out where the files of elements are found.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Write the metadata of an object as a description: 'modos update --from-file' takes it back, and changes nothing.

    'modos create --from-file' makes the same object elsewhere, its files included, as each element says where its file is
    found: relative to the file that is written, or to the working directory. Arrays are not part of a description.
    """
    modo = open_object(place, endpoint=endpoint, anon=anon)
    if output != _STANDARD_OUTPUT:
        for path in modo.export_to(output, format=format, files=not no_files, overwrite=overwrite):
            typer.echo(str(path))
        return
    if overwrite:
        raise typer.BadParameter("--overwrite goes with --output")
    text = modo.export(format or "yaml", files=not no_files, relative_to=Path.cwd())
    typer.echo(text.encode(), nl=False)  # descriptions are in UTF-8, whatever a terminal takes
