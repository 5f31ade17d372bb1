"""Every claim of the comparison names a test that there is."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in re.sub(
        r"`[^`]*`",
        lambda code: code[0].replace("|", "¦"),
        (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8"),
    ).splitlines()
    if line.startswith("| ") and "---" not in line and not line.endswith("| proof |")
]


@cache
def names(path: Path) -> set[str]:
    """Return the classes and functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_there_are_rows():
    """The table is found, and each row has as many cells as its header."""
    assert len(ROWS) > 30
    assert {len(row) for row in ROWS} == {4, 7}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_the_test_that_proves_it(row):
    """What is said of this library is `yes`, and the test of that name is there."""
    assert row[-2] == "yes"
    found = re.fullmatch(r"`([\w/]+\.py)::(\w+)`", row[-1])
    assert found is not None, row[-1]
    assert found[2] in names(ROOT / found[1])
    assert found[2].lower().startswith("test")
