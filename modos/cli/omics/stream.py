"""`modos stream`: records of regions of a file.

Owns the words of the command. Must not know how a region is read.
"""

from collections.abc import Sequence
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.c4gh.files import Command, Keys, unlocked
from modos.cli.places import Anonymous, Endpoint, Place, files_in, open_object

if TYPE_CHECKING:
    from modos.omics import Region

__all__ = ["GenomicsFile", "stream_records"]

GenomicsFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        autocompletion=files_in,
        help="A file of the object, or the element that has it: reads.bam, data/reads.",
    ),
]


def stream_records(
    place: Place,
    file: GenomicsFile,
    *,
    region: Annotated[
        list[str] | None,
        typer.Option(
            "--region", "-r", metavar="REGION", help="chr1:1,000-2,000, chr1, or * for reads without a place."
        ),
    ] = None,
    bed: Annotated[
        Path | None,
        typer.Option(
            "--regions",
            metavar="BED",
            dir_okay=False,
            help="A BED file of regions, plain or compressed; each record once.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", metavar="FASTA", help="What a CRAM was compressed against: a file, an element, a refget URL."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="Write .bam, .cram, .sam, .vcf.gz, .bcf or .vcf, not text."
        ),
    ] = None,
    key: Keys = None,
    key_command: Command = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Write the records of a BAM, CRAM, VCF or BCF that overlap regions; only these are fetched.

    Without --output they are written as text, with the header. Several regions give each record once, in the order of
    the file. Without a region the whole file is written.
    """
    from modos.omics.writing import as_text, silence, write_records

    silence()
    modo = unlocked(open_object(place, endpoint=endpoint, anon=anon), key, key_command)
    wanted = _regions(region or (), bed)
    indexed = modo.open_indexed(file)
    records = modo.stream_genomics(file, wanted, reference)
    if output is not None:
        write_records(indexed, records, output)
        return
    for line in as_text(indexed, records):
        typer.echo(line)


def _regions(texts: Sequence[str], bed: Path | None) -> "list[str | Region] | None":
    from modos.omics import parse_bed
    from modos.omics.files import Pieces, pieces_of
    from modos.storage import LocalStorage

    if bed is None:
        return list(texts) or None
    content = BufferedReader(Pieces(pieces_of(LocalStorage(bed.parent), bed.name)))
    with TextIOWrapper(content, encoding="utf-8", errors="replace") as lines:
        return [*texts, *parse_bed(lines, name=str(bed))]
