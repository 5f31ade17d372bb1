"""Facts: what the header of a file says, in terms of the schema where it has them.

Owns the types, and what is never taken from a header: paths of the machine it was written on. Must not know any format.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

from modos.errors import shown_url
from modos.omics.files import Files

__all__ = ["FactReader", "Facts", "SampleFacts", "SequenceFacts", "public_uri"]

type Slots = Mapping[str, str | list[str]]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_PUBLIC = frozenset({"doi", "ftp", "gs", "http", "https", "s3", "swift"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFacts:
    """A sample that a file names.

    Attributes
    ----------
    name
        As the file names it, which is the id of the sample where it has one; `None` when the file only counts it.
    number
        Its number in the file, from one.
    slots
        What is said of it, by slot of the schema.
    """

    name: str | None
    number: int
    slots: Slots = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceFacts:
    """A sequence that a file is placed on.

    Attributes
    ----------
    name
        Of the contig.
    length
        How many bases it has; `None` when that is not said.
    md5
        Digest of its bases, in hexadecimal; `None` when that is not said.
    source_uri
        Where it can be had; never a path of a machine.
    """

    name: str
    length: int | None = None
    md5: str | None = None
    source_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the header of a file says.

    Attributes
    ----------
    samples, sequences
        In the order of the file.
    slots
        What is said of the data, by slot of the schema.
    reference
        What is said of the reference that it is placed on.
    processing
        Terms for what was done to the samples, in order.
    summary
        A few words on what has no slot: programs, platform, instruments.
    details
        Everything worth knowing, as JSON has it.
    """

    samples: tuple[SampleFacts, ...] = ()
    sequences: tuple[SequenceFacts, ...] = ()
    slots: Slots = field(default_factory=dict)
    reference: Slots = field(default_factory=dict)
    processing: tuple[str, ...] = ()
    summary: str = ""
    details: Mapping[str, Any] = _NOTHING


class FactReader(Protocol):
    """What reads the header of files of a format."""

    def __call__(self, files: Files, target: str) -> Facts:
        """Return what a file says, reading its header only."""


def public_uri(text: str | None) -> str | None:
    """Return text when it is an address that means the same on every machine and gives nobody's access away, else `None`.

    Examples
    --------
    >>> public_uri("ftp://ftp.example.org/hs37d5.fa.gz"), public_uri("/data/ecoli.fa"), public_uri("file:///data/x.fa")
    ('ftp://ftp.example.org/hs37d5.fa.gz', None, None)
    >>> public_uri("https://example.org/x.fa?X-Amz-Signature=9f86d0") is None
    True
    """
    if text is None or shown_url(text) != text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme.lower() in _PUBLIC and (parts.netloc or parts.scheme == "doi") else None
