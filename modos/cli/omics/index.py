"""`modos index`: the index of a file, made and stored beside it.

Owns the words of the command. Must not know how an index is made.
"""

from typing import Annotated

import typer

from modos.cli.omics.stream import GenomicsFile
from modos.cli.places import Anonymous, Endpoint, Place, open_object

__all__ = ["index"]


def index(
    place: Place,
    file: GenomicsFile,
    *,
    csi: Annotated[
        bool, typer.Option("--csi", help="Make a CSI, as is done anyway for contigs longer than 512 Mbp.")
    ] = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Make the index of a BAM, CRAM, BCF, FASTA, or bgzipped VCF, BED, GFF or GTF, and store it beside the file.

    It replaces one that is there, of whichever kind. A file that is elsewhere is downloaded for it. Writes the names of the
    index files.
    """
    from modos.omics.writing import silence

    modo = open_object(place, endpoint=endpoint, anon=anon)
    silence()
    for name in modo.index_file(file, csi=csi):
        typer.echo(name)
