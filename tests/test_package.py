"""What the package promises before any of its rooms is entered: what it costs to import, and how its errors behave."""

import builtins
import importlib.metadata
import importlib.resources
import inspect
import json
import pickle
import re
import subprocess
import sys

import pytest

import modos
from modos import errors

HEAVY = ("zarr", "numpy", "s3fs", "swiftclient", "rdflib", "linkml_runtime", "pysam")
FACADES = (
    "modos",
    "modos.catalog",
    "modos.cli",
    "modos.errors",
    "modos.linked_data",
    "modos.model",
    "modos.storage",
    "modos.storage.pipelines",
    "modos.swift",
    "modos.testing",
    "modos.transfers",
)
ERRORS = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("name", FACADES)
def test_importing_a_facade_loads_nothing_heavy(name):
    """Whoever imports the package, or asks a command for help, does not wait for zarr or any backend."""
    ask = f"import json, sys; import {name}; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True)
    assert {each.partition(".")[0] for each in json.loads(answer.stdout)} & set(HEAVY) == set()


def test_the_version_is_the_distributions():
    """The version is written once, and the installed metadata says the same."""
    assert modos.__version__ == importlib.metadata.version(errors.DISTRIBUTION)


def test_the_package_says_that_it_is_typed():
    """Type checkers of others read our annotations (PEP 561)."""
    assert importlib.resources.files(modos).joinpath("py.typed").is_file()


def test_an_extra_is_named_as_it_can_be_installed():
    """The `pip install` line of a missing dependency names a distribution and an extra that exist."""
    extras = importlib.metadata.metadata(errors.DISTRIBUTION).get_all("Provides-Extra")
    assert str(errors.MissingDependencyError("s3fs", extra="s3", purpose="reading S3")) == (
        "reading S3 needs s3fs: pip install 'modos-objects[s3]'"
    )
    assert extras is not None
    assert {"all", "cli", "genomics", "rdf", "s3", "swift", "swift-server"} <= set(extras)


def example(kind):
    """Return an error of a kind with all its data set."""
    if issubclass(kind, errors.StorageError):
        return kind("swift://omics/ex", "it was refused", status=418)
    if kind in {errors.InvalidPathError, errors.InvalidURLError}:
        return kind("../ex", "leaves the storage")
    by_kind = {
        errors.DanglingLinkError: lambda: kind("sample/sampel1", "has_sample", "assay/a", ["sample/sample1"]),
        errors.ElementNotFoundError: lambda: kind("sampel1", ["sample1"]),
        errors.FileConflictError: lambda: kind("reads.cram", "data/reads"),
        errors.InvalidElementError: lambda: kind("sex is wrong", slot="sex", value="M", allowed=["Male", "Female"]),
        errors.MissingDependencyError: lambda: kind("s3fs", extra="s3", purpose="reading S3"),
    }
    if kind in by_kind:
        return by_kind[kind]()
    if issubclass(kind, errors.ObjectError):
        return kind("swift://omics/ex", "it was refused")
    return kind("it was refused")


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_survives_pickling_with_its_data_and_notes(kind):
    """An error that crosses a process says there what it said here."""
    error = example(kind)
    error.add_note("while adding data/demo1")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_one_line(kind):
    """What goes wrong is told in one sentence."""
    message = str(example(kind))
    assert message.strip() == message != ""
    assert "\n" not in message


@pytest.mark.parametrize(
    "kind", [each for each in ERRORS if issubclass(each, (errors.StorageError, errors.ObjectError))]
)
def test_an_error_of_a_place_names_it_and_has_a_usual_sentence(kind):
    """Nobody has to be told which address failed, nor to write the sentence twice."""
    message = str(kind("swift://omics/ex"))
    assert "swift://omics/ex" in message
    assert len(message) > len("swift://omics/ex") + 10


def drawn_tree():
    """Yield class, parent and the builtin of each line of the tree that the module's docstring draws."""
    drawing = re.search(r"```text\n(.*?)```", errors.__doc__, re.DOTALL)[1]
    above = []
    for line in drawing.splitlines():
        branch, name, builtin = re.match(r"([│├└─ ]*)(\w+)(?: \((\w+)\))?", line).groups()
        depth = len(branch) // 4
        above[depth:] = [name]
        yield name, above[depth - 1] if depth else "Exception", builtin


def test_the_tree_in_the_docstring_is_the_real_one():
    """The drawing cannot drift: same classes, same parents, same builtins."""
    real = {
        (kind.__name__, kind.__bases__[0].__name__, next((base.__name__ for base in kind.__bases__[1:]), None))
        for kind in ERRORS
    }
    assert set(drawn_tree()) == real
    assert len(list(drawn_tree())) == len(ERRORS)


def test_every_error_class_of_the_module_is_public():
    """No error is raised that cannot be caught by a documented name."""
    defined = {
        name for name, kind in vars(errors).items() if inspect.isclass(kind) and kind.__module__ == "modos.errors"
    }
    assert defined == set(errors.__all__)


@pytest.mark.parametrize(("name", "_", "builtin"), list(drawn_tree()))
def test_an_error_is_a_modos_error_and_the_builtin_that_is_drawn(name, _, builtin):
    """Whoever knows Python catches our errors without knowing us."""
    kind = getattr(errors, name)
    assert issubclass(kind, errors.ModosError)
    assert issubclass(kind, getattr(builtins, builtin or "Exception"))
