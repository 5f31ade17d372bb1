"""Records of regions from files in any storage, with no server in between.

Owns the way from an index to byte ranges, and from those to records. Must not know the digital object.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.omics.regions.reading import IndexedFile, open_indexed, stream_records
    from modos.omics.regions.spelling import Region, parse_bed

__all__ = ["IndexedFile", "Region", "open_indexed", "parse_bed", "stream_records"]

__getattr__ = lazy_names(
    __name__,
    {
        "IndexedFile": ".reading",
        "Region": ".spelling",
        "open_indexed": ".reading",
        "parse_bed": ".spelling",
        "stream_records": ".reading",
    },
)
