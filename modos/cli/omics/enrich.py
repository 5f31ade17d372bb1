"""`modos enrich`: metadata filled in from the headers of files.

Owns the words of the command. Must not know what a header says.
"""

from typing import Annotated

import typer

from modos.cli.c4gh.files import Command, Keys, unlocked
from modos.cli.places import Anonymous, AsJSON, Endpoint, Place, ids_in, open_object
from modos.cli.reporting import note

__all__ = ["enrich"]


def enrich(
    place: Place,
    elements: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ELEMENT", autocompletion=ids_in, help="Elements whose files are read; without any, all."
        ),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change; change nothing.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let what files say replace what is set.")] = False,
    as_json: AsJSON = False,
    key: Keys = None,
    key_command: Command = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Fill in metadata from the headers of files, in one edit; of each file only the header is read.

    BAM, CRAM and SAM tell samples and sequences, VCF and BCF samples, mzTab samples with species and tissue, AnnData how
    much there is. What is set stays, and is told where a file says something else. Changes are written to standard output,
    the rest to standard error.
    """
    modo = unlocked(open_object(place, endpoint=endpoint, anon=anon), key, key_command)
    found = modo.enrich_metadata(dry_run=dry_run, overwrite=overwrite, elements=elements)
    if as_json:
        typer.echo(found.to_json())
        return
    for line in found.difference.lines():
        typer.echo(line)
    for each in (*found.contradictions, *found.notes):
        note(str(each))
    if found.is_empty:
        note("there is nothing to add")
    elif dry_run:
        note("nothing was changed: this is what would be")
