"""`modos fetch-sequence`: bases of a region of a FASTA file.

Owns the words of the command. Must not know how they are found.
"""

from typing import Annotated

import typer

from modos.cli.c4gh.files import Command, Keys, unlocked
from modos.cli.omics.stream import GenomicsFile
from modos.cli.places import Anonymous, Endpoint, Place, open_object

__all__ = ["fetch_sequence"]

_WIDTH = 60


def fetch_sequence(
    place: Place,
    file: GenomicsFile,
    region: Annotated[str, typer.Argument(metavar="REGION", help="chr1:1,000-2,000, or chr1 for all of it.")],
    *,
    key: Keys = None,
    key_command: Command = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Write the bases of a region of a FASTA file, as FASTA; only these are fetched."""
    bases = unlocked(open_object(place, endpoint=endpoint, anon=anon), key, key_command).fetch_sequence(file, region)
    lines = (bases[start : start + _WIDTH] for start in range(0, len(bases), _WIDTH))
    typer.echo("\n".join([f">{region}", *lines]))
