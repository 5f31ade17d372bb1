"""Pages and parts of pages that are written from the code: the schema, commands, errors and the Python reference.

Owns how each becomes Markdown. mkdocs calls `on_files` and `on_page_markdown`. Must not hold what the code says already.
"""

import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import module_from_spec, resolve_name, spec_from_file_location
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from modos import errors
from modos.encryption import KEY_VARIABLES
from modos.model._generated import tables
from modos.objects.checks.findings import KINDS
from modos.omics.formats import FORMATS, INDEXES
from modos.settings import SWIFT_VARIABLES
from modos.storage.options import SERVICES
from modos.storage.pipelines import list_url_adapter_schemes
from modos.storage.pipelines.syntax.schemes import SCHEMES
from modos.testing import StorageTests

PACKAGES = (
    "modos",
    "modos.storage",
    "modos.storage.pipelines",
    "modos.model",
    "modos.omics",
    "modos.encryption",
    "modos.catalog",
    "modos.transfers",
    "modos.linked_data",
    "modos.swift",
    "modos.testing",
)
"""Packages with public names; each has a page of the reference, and `modos.errors` has `errors.md`."""

RESULTS = (
    "modos.objects.differences.ElementChange",
    "modos.objects.differences.SlotChange",
    "modos.objects.differences.ArrayChange",
    "modos.objects.differences.FileChange",
    "modos.objects.checks.findings.CheckReport",
    "modos.objects.checks.findings.Finding",
    "modos.objects.checks.findings.Repair",
    "modos.objects.checks.upgrade.Upgrade",
    "modos.objects.encryption.sharing.Reshared",
    "modos.objects.enriching.report.Enrichment",
    "modos.objects.enriching.report.Contradiction",
    "modos.objects.history.trash.KeptFile",
    "modos.objects.moves.Moved",
    "modos.objects.verification.Verification",
)
"""What calls of `modos` return and nobody has to import: the page of that package explains them, too."""

_ROOT = Path(__file__).parents[1]
_MARK = re.compile(r"^<!-- generated: (.+) -->$", re.MULTILINE)
_DESCRIBED = {name: found for name, found in tables.CLASSES.items() if found["kind"] or name == "MODO"}
_COLUMNS = 100


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the Python reference to those that are in the folder."""
    for package in PACKAGES:
        path = f"reference/{package.rpartition('.')[2]}.md"
        files.append(File.generated(config, path, content=reference_page(package)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the generated parts where a page asks for them, by a comment such as `<!-- generated: classes -->`."""
    return _MARK.sub(lambda mark: PARTS[mark[1]](), markdown)


# -- the schema ---------------------------------------------------------------------------------------------------------


def classes() -> str:
    """Return the table of classes."""
    rows = (
        (f"[{name}](#{name.lower()})", _parent(found), f"`{found['kind']}/`" if found["kind"] else "the root")
        for name, found in _DESCRIBED.items()
    )
    return _table(("class", "is a", "kept in"), rows)


def slots() -> str:
    """Return a section for each class with its slots."""
    header = ("slot", "", "holds", "meaning")
    return "\n\n".join(
        f"### {name}\n\n`{found['uri']}`\n\n"
        + _table(header, (_slot(slot, required=slot in found["required"]) for slot in found["slots"]))
        for name, found in _DESCRIBED.items()
    )


def terms() -> str:
    """Return a section for each enumeration with its terms."""
    return "\n\n".join(
        f"### {name}\n\n" + _table(("term", "IRI"), ((f"`{term}`", f"`{iri}`") for term, iri in found.items()))
        for name, found in tables.ENUMS.items()
    )


def prefixes() -> str:
    """Return the table of prefixes."""
    return _table(("prefix", "IRI"), ((f"`{prefix}:`", f"`{iri}`") for prefix, iri in tables.PREFIXES.items()))


def _parent(found: Mapping[str, Any]) -> str:
    return f"[{found['parent']}](#{found['parent'].lower()})" if found["parent"] in _DESCRIBED else ""


def _slot(name: str, *, required: bool) -> tuple[str, ...]:
    slot: Mapping[str, Any] = tables.SLOTS[name]
    told = {"required": required, "list": slot["multivalued"], "ordered": slot["ordered"]}
    meaning = " ".join((slot["description"] or "").split())
    return f"`{name}`", ", ".join(word for word, holds in told.items() if holds), _range(slot), meaning


def _range(slot: Mapping[str, Any]) -> str:
    words = {"uriorcurie": "CURIE or IRI", "uri": "URI", "datetime": "date and time (ISO 8601)", "string": "text"}
    held = slot["range"]
    if slot["identifier"]:
        return "name, by the [rules for ids](format.md#the-hierarchy)"
    if held in tables.ENUMS:
        return f"term of [{held}](#{held.lower()})"
    if held in tables.CLASSES:
        return f"id of a [{held}](#{held.lower()})"
    return words[held] + (f" matching `{slot['pattern']}`" if slot["pattern"] else "")


# -- other tables -------------------------------------------------------------------------------------------------------


def extras() -> str:
    """Return the table of extras, as the README has it."""
    found = re.search(
        r"^\| extra \|.*?\n\n", (_ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[0].strip()


def index_files() -> str:
    """Return which names index files have."""
    rows = ((f"`*{suffix}`", ", ".join(f"`*{suffix}{index}`" for index in found)) for suffix, found in INDEXES.items())
    return _table(("data file", "index files"), rows)


def formats() -> str:
    """Return what is read of files of each format."""
    rows = (
        (each.name, " ".join(f"`{suffix}`" for suffix in each.suffixes), _yes(each.tables), _yes(each.facts))
        for each in FORMATS
        if each.tables or each.facts
    )
    return _table(("format", "suffixes", "tables", "header"), rows)


def _yes(reader: object) -> str:
    return "yes" if reader else _NO


def findings() -> str:
    """Return what a check can find, with what is to be done and what a repair does."""
    rows = ((f"`{code}`", kind.severity, kind.meaning, kind.repaired or _NO) for code, kind in KINDS.items())
    return _table(("code", "severity", "meaning", "`--repair`"), rows)


def swift_variables() -> str:
    """Return the environment variables that give Swift credentials, by kind."""
    rows = ((kind, " ".join(f"`{name}`" for name in found.values())) for kind, found in SWIFT_VARIABLES.items())
    return _table(("credentials", "variables"), rows)


def key_variables() -> str:
    """Return the environment variables that keys of crypt4gh come from."""
    return _table(("variable", "holds"), ((f"`{name}`", meaning) for name, meaning in KEY_VARIABLES.items()))


def url_roots() -> str:
    """Return the table of what an address may begin with."""
    rows = ((f"`{scheme.example}`", scheme.meaning) for scheme in SCHEMES.values() if not scheme.needs)
    return _table(("root", "what it is"), rows)


def url_adapters() -> str:
    """Return the table of what may follow in an address, of those adapters that there are."""
    known = list_url_adapter_schemes()
    rows = (
        (f"`{scheme.example}`", scheme.meaning, f"a {scheme.needs}" if scheme.needs != "any" else "anything")
        for name, scheme in SCHEMES.items()
        if scheme.needs and name in known
    )
    return _table(("adapter", "leads to", "stands on"), rows)


# -- commands -----------------------------------------------------------------------------------------------------------


def commands() -> str:
    """Return the help of the program and of each command."""
    from typer import Context
    from typer.main import get_command

    from modos.cli.application import application

    program: Any = get_command(application())  # typer keeps its classes private

    def section(name: str, command: Any, parent: Context | None = None) -> str:  # noqa: ANN401 - likewise
        command.rich_markup_mode = None
        context = Context(command, info_name=name, parent=parent, terminal_width=_COLUMNS, max_content_width=_COLUMNS)
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        return f"## {context.command_path}\n\n```text\n{text}\n```"

    def sections(command: Any, context: Context) -> Iterator[str]:  # noqa: ANN401 - likewise
        for name, each in command.commands.items():
            yield section(name, each, context)
            if hasattr(each, "commands"):
                yield from sections(each, Context(each, info_name=name, parent=context))

    return "\n\n".join([section("modos", program), *sections(program, Context(program, info_name="modos"))])


# -- storage ------------------------------------------------------------------------------------------------------------


_NO = "\N{EN DASH}"


def support() -> str:
    """Return what each storage does, as its class in the conformance suite has it and the suite proves it."""
    path = _ROOT / "tests" / "storage" / "test_conformance.py"
    spec = spec_from_file_location("conformance", path)
    assert spec is not None
    assert spec.loader is not None
    suite = module_from_spec(spec)
    spec.loader.exec_module(suite)
    tested: Mapping[str, Any] = suite.TESTED
    yes = {True: "yes", False: _NO}
    writes = {name: issubclass(case, StorageTests) for name, case in tested.items()}
    cells: Mapping[str, Callable[[str, Any], str]] = {
        "stat, read, ranges, open": lambda *_: "yes",
        "list, list_dir": lambda *_: "yes",
        "put, create-only, copy, move, remove": lambda name, _: yes[writes[name]],
        "put, only while unchanged": lambda name, case: yes[writes[name] and case.replaces_unchanged],
        "content type and metadata": lambda name, case: yes[writes[name] and case.keeps_metadata],
        "sign": lambda _, case: ", ".join(sorted(case.signs)) or _NO,
        "zarr hierarchies": lambda *_: "yes",
    }
    rows = [(verb, *(cell(name, case) for name, case in tested.items())) for verb, cell in cells.items()]
    return _table(("", *tested), [*rows, ("tested with", *(case.tested_with for case in tested.values()))])


def options() -> str:
    """Return the options of each service with all their spellings."""
    return "\n\n".join(
        f"**{service.service}**\n\n"
        + _table(
            ("option", "also"),
            ((f"`{name}`", _codes(others)) for name, others in sorted(service.meanings.items())),
        )
        + (f"\n\nAny of them may begin with {_codes(service.prefixes)}." if service.prefixes else "")
        for service in SERVICES.values()
    )


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# -- errors and the Python reference ------------------------------------------------------------------------------------


def error_tree() -> str:
    """Return the tree of errors, as its module draws it."""
    found = re.search(r"```text\n.*?```", errors.__doc__ or "", re.DOTALL)
    assert found is not None
    return found[0]


def error_classes() -> str:
    """Return the reference of each error."""
    return "\n\n".join(_reference("modos.errors", name) for name in errors.__all__)


def reference_page(package: str) -> str:
    """Return the reference of a package: its docstring, and each of its public names; once, if another page has it."""
    module = importlib.import_module(package)
    names = [name for name in module.__all__ if not name.startswith("__")]
    elsewhere = {name: home for name in names if (home := _home(package, name)) != package}
    rows = ((f"[`{package}.{name}`][{origin(package, name)}]", f"`{home}`") for name, home in elsewhere.items())
    return "\n\n".join(
        [
            f"# {package}",
            inspect.cleandoc(module.__doc__ or ""),
            *([_table(("also here", "explained in"), rows)] if elsewhere else []),
            *(_reference(package, name) for name in names if name not in elsewhere),
            *(_explained(path, path.rpartition(".")[2]) for path in RESULTS if package == "modos"),
            "",
        ]
    )


def _home(package: str, name: str) -> str:
    """Return the package whose page explains a public name: the narrowest that the name is defined in."""
    path = origin(package, name)
    fitting = (each for each in (*PACKAGES, "modos.errors") if path.startswith(f"{each}."))
    home = max(fitting, key=len)
    return home if home == "modos" or name in importlib.import_module(home).__all__ else package


def origin(package: str, name: str) -> str:
    """Return the dotted path under which a public name is defined, which is where its docstring stands."""
    module = importlib.import_module(package)
    lazy = getattr(module, "__getattr__", None)
    origins = inspect.getclosurevars(lazy).nonlocals["origins"] if lazy else {}
    return origin(resolve_name(origins[name], package), name) if name in origins else f"{package}.{name}"


def _reference(package: str, name: str) -> str:
    path = origin(package, name)
    options = {}
    if "._generated." in path:
        options["members"] = "false"  # metadata.md has the slots
    if name in {"KeystoneServer", "MODO", "Storage", "SwiftServer"}:
        options["inherited_members"] = "true"  # some of their methods stand in other modules
    return _explained(path, f"{package}.{name}", **options)


def _explained(path: str, heading: str, **options: str) -> str:
    """Ask mkdocstrings for what is at a dotted path."""
    options = {"heading": heading, "toc_label": heading.rpartition(".")[2], **options}
    lines = "\n".join(f"{option}: {value}" for option, value in options.items())
    return f"::: {path}\n    options:\n{textwrap.indent(lines, ' ' * 6)}"


def _table(header: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    titles = tuple(header)
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


PARTS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "classes": classes,
        "commands": commands,
        "error classes": error_classes,
        "error tree": error_tree,
        "extras": extras,
        "findings": findings,
        "formats": formats,
        "index files": index_files,
        "key variables": key_variables,
        "options": options,
        "prefixes": prefixes,
        "slots": slots,
        "support": support,
        "Swift variables": swift_variables,
        "terms": terms,
        "URL adapters": url_adapters,
        "URL roots": url_roots,
    }
)
"""What a page can ask for."""
