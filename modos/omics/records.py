"""Records of regions as Arrow tables.

Owns which columns there are, and how records become them. Must not know where records come from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import batched
from operator import attrgetter
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import InvalidInputError, suggestion
from modos.omics.regions.references import Reference
from modos.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa

    from modos.omics.regions.reading import IndexedFile, Regions

__all__ = ["read_region", "table_of"]

_ROWS = 65_536

type _Column = tuple[str, Callable[[Any], Any]]


def _mate(read: Any) -> int | None:  # noqa: ANN401 - pysam ships no types
    return read.next_reference_start if read.next_reference_id >= 0 else None


def _start(read: Any) -> int | None:  # noqa: ANN401 - pysam ships no types
    return read.reference_start if read.reference_id >= 0 else None


_ALIGNMENTS: Mapping[str, _Column] = MappingProxyType(
    {
        "name": ("string", attrgetter("query_name")),
        "flag": ("uint16", attrgetter("flag")),
        "contig": ("string", attrgetter("reference_name")),
        "start": ("int64", _start),
        "end": ("int64", attrgetter("reference_end")),
        "mapping_quality": ("uint8", attrgetter("mapping_quality")),
        "cigar": ("string", attrgetter("cigarstring")),
        "mate_contig": ("string", attrgetter("next_reference_name")),
        "mate_start": ("int64", _mate),
        "template_length": ("int64", attrgetter("template_length")),
        "sequence": ("string", attrgetter("query_sequence")),
        "qualities": ("string", attrgetter("query_qualities_str")),
        "tags": ("string", lambda read: "\t".join(read.to_string().split("\t")[11:])),
    }
)
_LINES: Mapping[str, _Column] = MappingProxyType(
    {
        "contig": ("string", attrgetter("contig")),
        "start": ("int64", attrgetter("start")),
        "end": ("int64", attrgetter("end")),
        "line": ("string", str),
    }
)
_VARIANTS = ("contig", "start", "end", "id", "ref", "alts", "quality", "filters", "info", "format", "samples")


def read_region(
    storage: Storage,
    target: str | PurePath,
    regions: "Regions" = None,
    *,
    reference: Reference | None = None,
    index: str | PurePath | None = None,
    columns: Sequence[str] | None = None,
) -> "pa.Table":
    """Return the records of a file that overlap regions as an Arrow table, which pandas and polars take as it is.

    Positions count from zero, the end exclusive. Reads have `name flag contig start end mapping_quality cigar mate_contig
    mate_start template_length sequence qualities tags`; variants have `contig start end id ref alts quality filters info
    format samples`, the last three as VCF writes them; BED, GFF and GTF have `contig start end line`.

    Parameters
    ----------
    storage, target, regions, reference, index
        As for `stream_records`.
    columns
        Which columns, in this order; `None` for all. Fewer are read faster.

    Raises
    ------
    InvalidInputError
        When there is no such column, contig, or kind of region.
    """
    from modos.omics.regions.reading import open_indexed

    return table_of(open_indexed(storage, target, index=index), regions, reference=reference, columns=columns)


def table_of(
    file: "IndexedFile",
    regions: "Regions" = None,
    *,
    reference: Reference | None = None,
    columns: Sequence[str] | None = None,
) -> "pa.Table":
    """Return the records of an open file as an Arrow table; see `read_region`."""
    pa = require("pyarrow", extra="arrow", purpose="reading tables")
    with file.decoding():
        schema, rows = _maker(pa, file, columns)
        records = file.stream(regions, reference=reference)
        parts = (pa.RecordBatch.from_arrays(rows(some), schema=schema) for some in batched(records, _ROWS))
        return pa.Table.from_batches(parts, schema=schema)


def _maker(
    pa: Any,  # noqa: ANN401 - a module
    file: "IndexedFile",
    columns: Sequence[str] | None,
) -> tuple["pa.Schema", Callable[[Sequence[Any]], list["pa.Array"]]]:
    """Return the schema, and what makes columns of records."""
    if file.layout.reader == "variants":
        fields = _variant_fields(pa, list(file.header().samples))
        chosen = _chosen(fields, columns)
        schema = pa.schema([fields[name] for name in chosen])
        return schema, partial(_variants, pa, schema)
    known = _ALIGNMENTS if file.layout.reader == "alignments" else _LINES
    chosen = _chosen(known, columns)
    schema = pa.schema([(name, getattr(pa, known[name][0])()) for name in chosen])
    getters = [known[name][1] for name in chosen]

    def arrays(records: Sequence[Any]) -> list["pa.Array"]:
        return [pa.array(map(get, records), each.type) for get, each in zip(getters, schema, strict=True)]

    return schema, arrays


def _chosen(known: Iterable[str], columns: Sequence[str] | None) -> list[str]:
    names = list(known)
    for name in columns or ():
        if name not in names:
            hint = suggestion(name, names) or f"; there are {', '.join(names)}"
            message = f"there is no column {name!r}{hint}"
            raise InvalidInputError(message)
    return names if columns is None else list(columns)


def _variant_fields(pa: Any, samples: Sequence[str]) -> dict[str, "pa.Field"]:  # noqa: ANN401 - a module
    text = pa.string()
    kinds = {
        **dict.fromkeys(_VARIANTS, text),
        **dict.fromkeys(("start", "end"), pa.int64()),
        **dict.fromkeys(("alts", "filters"), pa.list_(text)),
        "quality": pa.float32(),
        "samples": pa.struct([(name, text) for name in samples]),
    }
    return {name: pa.field(name, kind) for name, kind in kinds.items()}


def _variants(pa: Any, schema: "pa.Schema", records: Sequence[Any]) -> list["pa.Array"]:  # noqa: ANN401 - a module
    lines = [str(record).rstrip("\n").split("\t") for record in records]

    def cells(column: int) -> Iterator[str | None]:
        return (None if len(line) <= column or line[column] == "." else line[column] for line in lines)

    def listed(column: int, mark: str) -> Iterator[list[str]]:
        return ([] if cell is None else cell.split(mark) for cell in cells(column))

    def samples() -> Iterator[dict[str, str]]:
        names = [each.name for each in schema.field("samples").type]
        return (dict(zip(names, line[9:], strict=True)) for line in lines)

    values: Mapping[str, Callable[[], Iterable[Any]]] = {
        "contig": lambda: cells(0),
        "start": lambda: (record.start for record in records),
        "end": lambda: (record.stop for record in records),
        "id": lambda: cells(2),
        "ref": lambda: cells(3),
        "alts": lambda: listed(4, ","),
        "quality": lambda: (record.qual for record in records),
        "filters": lambda: listed(6, ";"),
        "info": lambda: cells(7),
        "format": lambda: cells(8),
        "samples": samples,
    }
    return [pa.array(values[each.name](), each.type) for each in schema]
