"""What headers of variants say: samples, contigs, the reference, and what called them.

Owns the meta-information lines of VCF and BCF (VCF specification, section 1). Reads no record.
"""

import re
from collections.abc import Iterator, Sequence

from modos.errors import IntegrityError
from modos.omics.enrichment.alignments import header_lines
from modos.omics.enrichment.facts import Facts, SampleFacts, SequenceFacts, public_uri
from modos.omics.files import Files, growing_heads
from modos.omics.refget.scanning import md5_or_none

__all__ = ["read_bcf", "read_vcf"]

_MAGIC = b"BCF\x02"
_BEGIN = 9
_SAMPLES_FROM = 9
"""The column in which the samples begin."""

_FIELD = re.compile(r'([^=,<>]+)=("(?:[^"\\]|\\.)*"|[^,<>]*)')
_COMMAND = re.compile(r"^\w*CommandLine(\.\w+)?$", re.IGNORECASE)


def read_vcf(files: Files, target: str) -> Facts:
    """Return what the header of a VCF file says; mostly in one request."""
    return _facts(header_lines(files, target, "#"), files.url_of(target))


def read_bcf(files: Files, target: str) -> Facts:
    """Return what the header of a BCF file says; mostly in one request."""
    url = files.url_of(target)
    for head, is_all in growing_heads(files, target):
        if not head.startswith(_MAGIC):
            break
        end = _BEGIN + int.from_bytes(head[5:_BEGIN], "little")
        if len(head) >= max(end, _BEGIN):
            return _facts(head[_BEGIN:end].rstrip(b"\0").decode(errors="replace"), url)
        if is_all:
            break
    raise IntegrityError(url, "has no whole header of BCF")


def _facts(header: str, url: str) -> Facts:
    lines = header.splitlines()
    if not lines or not lines[0].startswith("##fileformat=") or not lines[-1].startswith("#CHROM"):
        raise IntegrityError(url, "has no whole header of variants")
    meta = [(key, value) for line in lines[:-1] for key, _, value in [line.removeprefix("##").partition("=")]]
    samples = lines[-1].split("\t")[_SAMPLES_FROM:]
    contigs = [_fields(value) for key, value in meta if key == "contig" and value.startswith("<")]
    callers = list(dict.fromkeys(_callers(meta)))
    reference = next((public_uri(value) for key, value in meta if key == "reference"), None)
    assemblies = {fields["assembly"] for fields in contigs if fields.get("assembly")}
    assembly = {"version": assemblies.pop()} if len(assemblies) == 1 else {}
    return Facts(
        samples=tuple(SampleFacts(name=name, number=number) for number, name in enumerate(samples, 1)),
        sequences=tuple(_sequence(fields) for fields in contigs if fields.get("ID")),
        reference={**assembly, **({"source_uri": reference} if reference else {})},
        summary=f"Called by {', '.join(callers)}" if callers else "",
        details={
            "format": meta[0][1],
            "samples": samples,
            "contigs": len(contigs),
            "reference": reference,
            "callers": callers,
        },
    )


def _sequence(fields: dict[str, str]) -> SequenceFacts:
    length = fields.get("length", "")
    return SequenceFacts(
        name=fields["ID"],
        length=int(length) if length.isdecimal() else None,
        md5=md5_or_none(fields.get("md5")),
        source_uri=public_uri(fields.get("URL")),
    )


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a structured line.

    Examples
    --------
    >>> _fields('<ID=20,length=62435964,species="Homo sapiens",x=y>')["species"]
    'Homo sapiens'
    """
    inner = text.strip().removeprefix("<").removesuffix(">")
    return {key.strip(): value.strip('"').replace('\\"', '"') for key, value in _FIELD.findall(inner)}


def _callers(meta: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield the programs that a header names, with versions; how they were called names paths, and stays where it is.

    Examples
    --------
    >>> list(_callers([("bcftools_callVersion", "1.13+htslib-1.13"), ("source", "freeBayes v1.3")]))
    ['bcftools call 1.13', 'freeBayes v1.3']
    """
    for key, value in meta:
        if key == "source" and "/" not in value:
            yield value.strip('"')
        elif _COMMAND.match(key) and value.startswith("<"):
            fields = _fields(value)
            yield f"{fields.get('ID', key)} {fields.get('Version', '')}".strip()
        elif key.endswith("Version") and "/" not in value:
            yield f"{key.removesuffix('Version').replace('_', ' ').strip()} {value.partition('+')[0]}"
