"""`modos table`: a table of a file.

Owns the words of the command, and how conditions are written. Must not know how a table is read.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from modos.cli.c4gh.files import Command, Keys, unlocked
from modos.cli.omics.stream import GenomicsFile
from modos.cli.places import Anonymous, AsJSON, Endpoint, Place, open_object

__all__ = ["table"]

_CONDITION = re.compile(r"\s*(.+?)\s*(==|!=|<=|>=|=|<|>)\s*(.+?)\s*")
_ROWS = re.compile(r"(\d*):(\d*)")


def table(
    place: Place,
    file: GenomicsFile,
    *,
    name: Annotated[
        str | None,
        typer.Option("--table", "-t", metavar="NAME", help="SML, PSM, MTD … of mzTab, obs, var, X … of AnnData."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", "-c", metavar="NAMES", help="Which columns, separated by commas or repeated."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", "-w", metavar="CONDITION", help="Only rows such as 'charge >= 2'; repeat for several."),
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="FROM:TO", help="Only these rows, counted from zero, TO exclusive.")
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Leave cells as they are written.")] = False,
    tables: Annotated[bool, typer.Option("--list", help="Write which tables there are, and columns.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="Write .parquet, .arrow, .csv, .tsv or .jsonl."),
    ] = None,
    as_json: AsJSON = False,
    key: Keys = None,
    key_command: Command = None,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Write a table of a file: mzTab, CSV, TSV, Parquet, JSON, or AnnData in h5ad or zarr.

    Without --output it is written as TSV with a header, with --json a record a line. Of Parquet, h5ad and zarr only what is
    asked for is fetched.
    """
    from modos.omics.tables.writing import as_lines, write_table

    modo = unlocked(open_object(place, endpoint=endpoint, anon=anon), key, key_command)
    if tables:
        _tell(modo.list_tables(file), as_json=as_json)
        return
    reader = modo.scan_table(
        file,
        name,
        columns=_names(columns),
        filter=[_condition(each) for each in where or ()] or None,
        rows=_interval(rows),
        types="text" if text else "known",
    )
    if output is not None:
        write_table(reader, output)
    elif as_json:
        for batch in reader:
            for row in batch.to_pylist():
                typer.echo(json.dumps(row, default=str))
    else:
        for line in as_lines(reader):
            typer.echo(line)


def _tell(found: dict[str, tuple[str, ...]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({name: list(columns) for name, columns in found.items()}))
        return
    for name, columns in found.items():
        typer.echo("\t".join(filter(None, [name, *columns])))


def _names(texts: Sequence[str] | None) -> list[str] | None:
    return [name for text in texts for name in text.split(",")] if texts else None


def _interval(text: str | None) -> tuple[int | None, int | None] | None:
    if text is None:
        return None
    found = _ROWS.fullmatch(text)
    if found is None:
        message = f"{text!r} is no interval of rows, which is written as 0:100, :100 or 100:"
        raise typer.BadParameter(message)
    first, end = (int(each) if each else None for each in found.groups())
    return first, end


def _condition(text: str) -> tuple[str, str, Any]:
    found = _CONDITION.fullmatch(text)
    if found is None:
        message = f"{text!r} is no condition, which is written as 'charge >= 2' or 'name == \"ATP\"'"
        raise typer.BadParameter(message)
    column, comparison, value = found.groups()
    return column, comparison, _value(value)


def _value(text: str) -> Any:  # noqa: ANN401 - a number or text
    """Return a number where text is one, and text where it is not, or stands in quotes."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
