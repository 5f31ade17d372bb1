import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import modos.linked_data
import modos.model


@pytest.mark.parametrize("package", [modos.model, modos.linked_data])
def test_names(package):
    """`__all__` is sorted, every name in it is there, and type checkers see the same names."""
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imported = [alias.name for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(imported) == sorted(package.__all__)
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        package.no_such_name  # noqa: B018


def test_documented():
    """Every public function and class says what it is."""
    for package in (modos.model, modos.linked_data):
        for name in package.__all__:
            found = getattr(package, name)
            assert not inspect.isroutine(found) or found.__doc__


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import modos.model, modos.linked_data", {"pydantic", "linkml_runtime", "rdflib", "yaml", "zarr", "numpy"}),
        (
            "from modos.model import ElementId, links_of, parse_element",
            {"pydantic", "linkml_runtime", "rdflib", "yaml"},
        ),
        ("from modos.model import load_document, Sample", {"linkml_runtime", "linkml", "rdflib"}),
        ("from modos.linked_data import KnowledgeGraph, Answer, FORMATS", {"linkml_runtime", "rdflib", "pyoxigraph"}),
    ],
)
def test_import_costs(statement, unwanted):
    """Importing loads what a name needs and no more: neither RDF nor linkml before they are used."""
    code = f"{statement}\nimport sys; print(*sorted({unwanted!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
