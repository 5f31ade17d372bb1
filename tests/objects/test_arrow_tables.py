"""Tables of Arrow with types that numpy has not: they come back as they were, grow, or are refused by name."""

import datetime as dt
import decimal

import pyarrow as pa
import pytest

from modos import MODO
from modos.errors import InvalidElementError
from modos.objects.arrays import appending

_NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
_COLUMNS = {
    "terms": pa.array(["b", None, "a"]).dictionary_encode(),
    "numbered": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], "int8"), pa.array([5, 7]), ordered=True),
    "time": pa.array([_NOON, None, dt.datetime(1600, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us")),
    "zoned": pa.array([_NOON, None, _NOON], pa.timestamp("ns", "Europe/Zurich")),
    "offset": pa.array([_NOON, None, _NOON], pa.timestamp("s", "+01:00")),
    "day": pa.array([_NOON.date(), None, dt.date(1500, 1, 1)], pa.date32()),
    "span": pa.array([dt.timedelta(hours=1), None, dt.timedelta(0)], pa.duration("ms")),
    "truth": pa.array([True, None, False]),
    "nothing": pa.nulls(3),
    "large": pa.array(["a", None, ""], pa.large_string()),
    "fraction": pa.array([2.0, None, float("nan")], pa.float32()),
}
_TABLE = pa.table(_COLUMNS)


@pytest.fixture
def modo(tmp_path) -> MODO:
    """An object with one sample."""
    modo = MODO.create(tmp_path / "ex", id="ex")
    modo.add_element({"@type": "Sample", "id": "s1"})
    return modo


def _rows(table: pa.Table) -> list[str]:
    return [str(row) for row in table.to_pylist()]  # as text, in which what is no number equals itself


@pytest.mark.parametrize("table", [_TABLE, _TABLE.slice(0, 0)], ids=["rows", "no rows"])
def test_types_of_arrow_come_back_as_they_were(modo, table):
    """Zones, units, categories, and what is missing and what is no number, each for itself."""
    modo.add_array("s1", table)

    found = modo.read_array("s1")

    assert found.schema.remove_metadata() == table.schema
    assert _rows(found) == _rows(table)


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_rows_of_such_types_are_appended(modo, large, monkeypatch):
    """Also where columns are written on, and categories are new."""
    if large:
        monkeypatch.setattr(appending, "SHARD", 0)
    more = _TABLE.set_column(0, "terms", pa.array(["c", "a", None]).dictionary_encode())
    modo.add_array("s1", _TABLE)

    modo.append_array("s1", "data", more)

    found = modo.read_array("s1")
    assert found.schema.remove_metadata() == _TABLE.schema
    assert _rows(found) == _rows(_TABLE) + _rows(more)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1], [2, 3]]),
        pa.array([decimal.Decimal("1.1")]),
        pa.array([b"raw"]),
        pa.array([_NOON]).dictionary_encode(),
        pa.array([_NOON.time()]),
    ],
    ids=["lists", "decimals", "bytes", "times as categories", "times of a day"],
)
def test_a_column_without_a_layout_is_refused_by_name(modo, values):
    """And nothing is left of the table."""
    with pytest.raises(InvalidElementError, match=r"column 'odd' is of type .*, for which there is no layout; convert"):
        modo.add_array("s1", pa.table({"odd": values}))

    assert modo.list_arrays("s1") == "sample/s1"
