"""`modos add-reference`: a reference genome with its sequences, from a FASTA file.

Owns the words of the command. Must not know how a FASTA file is read.
"""

from typing import Annotated, Any

import typer

from modos.cli.object.elements import PartOf, slots_from_json
from modos.cli.places import Anonymous, Endpoint, Place, open_object

__all__ = ["add_reference"]

_CLASS = "ReferenceGenome"
_Slots = Annotated[
    Any,
    typer.Option(
        "--element",
        "-e",
        parser=slots_from_json,
        metavar="JSON",
        help='Other slots of the genome: {"taxon_id": "NCBITaxon:9606"}.',
    ),
]


def add_reference(
    place: Place,
    fasta: Annotated[str, typer.Argument(metavar="FASTA", help="Path or address of the file.")],
    *,
    name: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="Id of the genome; without it, the name of the file without its suffix."
        ),
    ] = None,
    element: _Slots = None,
    part_of: PartOf = None,
    bgzip: Annotated[
        bool,
        typer.Option("--bgzip", help="Compress it in blocks on the way, so that it is still read by ranges."),
    ] = False,
    no_index: Annotated[bool, typer.Option("--no-index", help="Make no index.")] = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Add a reference genome from a FASTA file, with its index and an element for each sequence, and write its id.

    The file is read once. Sequences are described by their MD5 and their digest of GA4GH refget, by which headers of
    BAM, CRAM and VCF are matched.
    """
    if (kind := (element or {}).get("@type", _CLASS)) != _CLASS:
        raise typer.BadParameter(f"a reference is a {_CLASS}, not a {kind!r}")
    slots = {slot: value for slot, value in (element or {}).items() if slot not in {"@type", "id"}}
    name = name or (element or {}).get("id")
    modo = open_object(place, endpoint=endpoint, anon=anon)
    typer.echo(str(modo.add_reference(fasta, name, part_of=part_of, bgzip=bgzip, index=not no_index, **slots)))
