"""What headers of alignments say: contigs with their digests, samples, read groups, platforms, programs.

Owns the headers of SAM, BAM and CRAM (SAM specification, section 1.3; CRAM specification, section 7). Reads no record.
"""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from modos.errors import IntegrityError
from modos.omics.enrichment.facts import Facts, SampleFacts, SequenceFacts, public_uri
from modos.omics.files import Files, growing_heads
from modos.omics.refget.scanning import md5_or_none
from modos.omics.regions.bgzf import MalformedError
from modos.omics.regions.containers import DEFINITION, itf8, parse_container, version_of

__all__ = ["facts_of", "read_bam", "read_cram", "read_sam"]

_LENGTHS = 8
_GROUP_TAGS = ("ID", "SM", "LB", "PL", "PM", "PU", "CN", "DT")
_COMPRESSIONS: Mapping[int, Callable[[bytes], bytes]] = MappingProxyType(
    {0: bytes, 1: lambda data: zlib.decompress(data, 31), 2: bz2.decompress, 3: lzma.decompress}
)


def read_bam(files: Files, target: str) -> Facts:
    """Return what the header of a BAM file says; mostly in one request."""
    for head, is_all in growing_heads(files, target):
        if head[:4] != b"BAM\x01":
            break
        if len(head) >= _LENGTHS:
            end = _LENGTHS + int.from_bytes(head[4:_LENGTHS], "little")
            if len(head) >= end:
                return facts_of(_text(files, target, head[_LENGTHS:end]))
        if is_all:
            break
    raise IntegrityError(files.url_of(target), "has no whole header of BAM")


def read_sam(files: Files, target: str) -> Facts:
    """Return what the header of a SAM file says; mostly in one request."""
    return facts_of(header_lines(files, target, "@"))


def read_cram(files: Files, target: str) -> Facts:
    """Return what the header of a CRAM file says; mostly in one request."""
    url = files.url_of(target)
    for head, is_all in growing_heads(files, target):
        try:
            version = version_of(head)
            container = parse_container(head, DEFINITION, version=version)
            if len(head) >= container.end:
                return facts_of(_text(files, target, _block(head, container.body)))
        except (MalformedError, IndexError, struct.error, zlib.error, OSError, lzma.LZMAError, EOFError) as error:
            raise IntegrityError(url, f"its header cannot be read: {error}") from error
        if is_all:
            break
    raise IntegrityError(url, "has no whole header of CRAM")


def header_lines(files: Files, target: str, mark: str) -> str:
    """Return the first lines of a text, those that begin with a mark, reading not much more.

    Raises
    ------
    IntegrityError
        When they are not text.
    """
    begin = mark.encode()
    kept: list[bytes] = []
    for head, is_all in growing_heads(files, target):
        lines = head.splitlines(keepends=True)
        whole = lines if is_all or head.endswith(b"\n") else lines[:-1]
        kept = []
        for line in whole:
            if not line.startswith(begin):
                break
            kept.append(line)
        if is_all or len(kept) < len(whole):
            break
    return _text(files, target, b"".join(kept))


def facts_of(header: str) -> Facts:
    """Return what the text of a header of SAM says."""
    records = list(_records(header))
    groups = [tags for kind, tags in records if kind == "RG"]
    programs = _programs(tags for kind, tags in records if kind == "PG")
    contigs = [tags for kind, tags in records if kind == "SQ" and "SN" in tags]
    samples = list(dict.fromkeys(tags["SM"] for tags in groups if tags.get("SM")))
    platforms = sorted({tags["PL"] for tags in groups if tags.get("PL")})
    assemblies = {tags.get("AS") for tags in contigs}
    sources = {public_uri(tags.get("UR")) for tags in contigs}
    return Facts(
        samples=tuple(SampleFacts(name=name, number=number) for number, name in enumerate(samples, 1)),
        sequences=tuple(map(_sequence, contigs)),
        reference={**_agreed("version", assemblies), **_agreed("source_uri", sources)},
        summary=_summary({"platform": platforms, "programs": programs}),
        details={
            "samples": samples,
            "read_groups": [{tag: tags[tag] for tag in _GROUP_TAGS if tag in tags} for tags in groups],
            "platforms": platforms,
            "programs": programs,
            "contigs": len(contigs),
            "sort_order": next((tags["SO"] for kind, tags in records if kind == "HD" and "SO" in tags), None),
        },
    )


def _sequence(tags: Mapping[str, str]) -> SequenceFacts:
    length = tags.get("LN", "")
    return SequenceFacts(
        name=tags["SN"],
        length=int(length) if length.isdecimal() else None,
        md5=md5_or_none(tags.get("M5")),
        source_uri=public_uri(tags.get("UR")),
    )


def _records(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for line in header.splitlines():
        if line.startswith("@"):
            kind, *fields = line[1:].split("\t")
            yield kind, {each[:2]: each[3:] for each in fields if each[2:3] == ":"}


def _programs(records: Iterable[Mapping[str, str]]) -> list[str]:
    """Return programs with their versions, each once; how they were called names paths, and stays where it is."""
    found = (f"{tags.get('PN') or tags.get('ID', '')} {tags.get('VN', '')}".strip() for tags in records)
    return list(dict.fromkeys(name for name in found if name and "/" not in name))


def _agreed(slot: str, values: set[str | None]) -> dict[str, str]:
    """Return a slot when all contigs say the same of it."""
    (only,) = values if len(values) == 1 else (None,)
    return {} if only is None else {slot: only}


def _summary(told: Mapping[str, list[str]]) -> str:
    text = "; ".join(f"{what}: {', '.join(values)}" for what, values in told.items() if values)
    return text[:1].upper() + text[1:]


def _block(data: bytes, position: int) -> bytes:
    """Return the text of a header in the block at a position."""
    method, place = data[position], position + 2
    _, place = itf8(data, place)
    stored, place = itf8(data, place)
    _, place = itf8(data, place)
    unpack = _COMPRESSIONS.get(method)
    if unpack is None:
        message = f"it is compressed by method {method}, which is not read"
        raise MalformedError(message)
    content = unpack(data[place : place + stored])
    (length,) = struct.unpack_from("<i", content)
    return content[4 : 4 + length]


def _text(files: Files, target: str, content: bytes) -> str:
    try:
        return content.rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise IntegrityError(files.url_of(target), "its header is not UTF-8") from error
