"""Tables of the files of an object: which file is meant, and what it is read with.

Owns `TableReading`, a part of `MODO`. Must not know how a table is read.
"""

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from modos.objects.faces.reading import Reading

if TYPE_CHECKING:
    import pyarrow as pa

    from modos.omics.tables.questions import Filter, Types
    from modos.omics.tables.reading import As, Rows

__all__ = ["TableReading"]


class TableReading(Reading):
    """What an object can read of the tables in its files, without fetching what is not needed."""

    def list_tables(self, file: str | PurePath) -> dict[str, tuple[str, ...]]:
        """Return the tables of a file, the usual one first, each with its columns.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.

        Raises
        ------
        InvalidInputError
            When there is no such file, or files of its format have no tables.
        """
        from modos.omics import list_tables

        return list_tables(self._readable(), self._file(str(file)))

    def read_table(
        self,
        file: str | PurePath,
        table: str | None = None,
        *,
        columns: Sequence[str] | None = None,
        filter: "Filter | None" = None,  # noqa: A002 - the word of pyarrow and pandas
        rows: "Rows | None" = None,
        types: "Types" = "known",
        as_: "As" = "arrow",
    ) -> Any:  # noqa: ANN401 - a table of the library that was asked for
        """Return a table of a file: mzTab, CSV, TSV, Parquet, JSON, or AnnData in h5ad or zarr.

        Of Parquet, h5ad and zarr only the parts are fetched that have what is asked for. Encrypted files are decrypted on
        the way.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.
        table
            Which one: `SML`, `PSM`, `MTD` … of mzTab, `obs`, `var`, `X` … of AnnData; `None` for the first, or the only
            one. `list_tables` tells which there are.
        columns
            Which columns, in this order; `None` for all.
        filter
            Conditions that must all hold, such as `[("charge", ">=", 2)]`, or an expression of pyarrow; `None` for all.
        rows
            First row, and the one to stop before, of the table as it is in the file, as a pair or a slice; `None` for all.
        types
            `"text"` leaves cells as they are written.
        as_
            What it is returned as: `"arrow"` for a `pyarrow.Table`, `"pandas"` or `"polars"` for a frame.

        Raises
        ------
        InvalidInputError
            When there is no such file, table or column.
        IntegrityError
            When the file is damaged or cut off; names the line where it has lines.
        """
        from modos.omics import read_table

        name = self._file(str(file))
        return read_table(
            self._readable(), name, table, columns=columns, filter=filter, rows=rows, types=types, as_=as_
        )

    def scan_table(
        self,
        file: str | PurePath,
        table: str | None = None,
        *,
        columns: Sequence[str] | None = None,
        filter: "Filter | None" = None,  # noqa: A002 - the word of pyarrow and pandas
        rows: "Rows | None" = None,
        types: "Types" = "known",
    ) -> "pa.RecordBatchReader":
        """Return a table of a file a piece at a time, in bounded memory; parameters and errors are those of `read_table`."""
        from modos.omics import scan_table

        name = self._file(str(file))
        return scan_table(self._readable(), name, table, columns=columns, filter=filter, rows=rows, types=types)
