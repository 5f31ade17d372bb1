"""What is public is what `__all__` says, and all of it is documented."""

import importlib
import importlib.util
import inspect
import re
import tomllib
from pathlib import Path

import griffe
import pytest

from modos.settings import SWIFT_VARIABLES

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "_generate.py")
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)

PACKAGES = (*generate.PACKAGES, "modos.errors")
NAMES = [
    (package, name)
    for package in PACKAGES
    for name in importlib.import_module(package).__all__
    if name != "__version__"
]


@pytest.fixture(scope="module")
def source():
    """The package as its source says it: with the docstrings of constants and type aliases."""
    return griffe.load("modos", search_paths=[str(ROOT)])


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_complete(package):
    """`__all__` names what can be imported and nothing else: constants, then classes, then functions, each in order."""
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module.__all__, key=isort_style)
    lazy = getattr(module, "__getattr__", None)
    origins = set(inspect.getclosurevars(lazy).nonlocals["origins"]) if lazy else set()
    eager = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == package and inspect.isclass(value)
    }
    assert set(module.__all__) - {"__version__"} == origins | eager
    for name in module.__all__:
        assert getattr(module, name) is not None


def isort_style(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_every_room_with_public_names_has_a_page():
    """A new package with an `__all__` is documented, or says that it is private by being none of these."""
    without_page = {"modos.cli"}
    rooms = {f"modos.{path.parent.name}" for path in (ROOT / "modos").glob("[!_]*/__init__.py")}
    public = {room for room in rooms if getattr(importlib.import_module(room), "__all__", None)}
    assert public - without_page == {each for each in PACKAGES if each.count(".") == 1} - {"modos.errors"}


@pytest.mark.parametrize(("package", "name"), NAMES, ids=lambda text: text)
def test_a_public_name_is_documented(source, package, name):
    """Every public name, and every public method and property of a class, has a docstring."""
    found = source[generate.origin(package, name).removeprefix("modos.")]
    assert found.docstring is not None, found.path
    if not found.is_class or "._generated." in found.path:
        return
    members = {
        member: value
        for member, value in found.members.items()
        if not member.startswith("_") and not value.is_alias and (value.is_function or "property" in value.labels)
    }
    assert [value.path for value in members.values() if value.docstring is None] == []


@pytest.mark.parametrize(("package", "name"), NAMES, ids=lambda text: text)
def test_a_public_name_is_on_its_page(package, name):
    """The reference is generated from `__all__`, and so is the page of the errors."""
    page = generate.error_classes() if package == "modos.errors" else generate.reference_page(package)
    path = re.escape(generate.origin(package, name))
    assert re.search(rf"^::: {path}$|\]\[{path}\]", page, re.MULTILINE)


def test_what_calls_return_is_explained(source):
    """Every class that `MODO`, and the functions beside it, return has its attributes in the reference; so have those in it."""
    public = {generate.origin(package, name) for package, name in NAMES}
    calls = [path for path in public if path.startswith(("modos.api.", "modos.objects."))]
    returned = {path for call in [*calls, *generate.RESULTS] for path in returned_by(source, call)}
    assert returned - public == set(generate.RESULTS)
    assert all(f"::: {path}\n" in generate.reference_page("modos") for path in generate.RESULTS)


def returned_by(source, call):
    """Yield the paths of classes of objects that a function, or what is public in a class, returns."""
    found = source[call.removeprefix("modos.")]
    parts = [part for name, part in found.all_members.items() if name[0] != "_"] if found.is_class else [found]
    for part in parts:
        said = part.returns if part.is_function else part.annotation if part.is_attribute else None
        names = (
            [each for each in said.iterate() if isinstance(each, griffe.ExprName)]
            if isinstance(said, griffe.Expr)
            else []
        )
        yield from (
            each.canonical_path
            for each in names
            if re.fullmatch(r"modos\.objects(\.[a-z_]+)+\.[A-Z]\w+", each.canonical_path)
            and source[each.canonical_path.removeprefix("modos.")].is_class
        )


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_a_page_asks_for_parts_that_there_are(page):
    """A mistyped part would be left out silently."""
    marks = re.findall(r"<!-- generated: (.*?) -->", page.read_text(encoding="utf-8"))
    assert set(marks) <= set(generate.PARTS)


def test_every_generated_part_is_on_a_page():
    """Nothing is written for nobody."""
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    assert set(re.findall(r"<!-- generated: (.*?) -->", text)) == set(generate.PARTS)


def test_every_extra_is_documented():
    """Each has its row, and those above `all` are what `all` installs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    rows = re.findall(r"^\| `([\w-]+)` \|", generate.extras(), re.MULTILINE)
    assert sorted(rows) == sorted(extras)
    (everything,) = extras["all"]
    assert everything == f"modos-objects[{','.join(sorted(rows[: rows.index('all')]))}]"


def test_every_variable_of_the_environment_is_documented():
    """Whoever has a variable set can find what it does."""
    table = generate.swift_variables()
    assert all(f"`{name}`" in table for group in SWIFT_VARIABLES.values() for name in group.values())
    ours = {
        name
        for path in ROOT.glob("modos/**/*.py")
        for name in re.findall(r"\bMODOS_[A-Z0-9_]+", path.read_text("utf-8"))
    }
    pages = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") + generate.key_variables()
    assert all(f"`{name}`" in pages for name in ours)
