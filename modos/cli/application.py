"""The commands as one program: which there are, what holds for all of them, and how it is run.

Owns the table of commands and the general options. Must not know what a command does.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from types import MappingProxyType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from modos.cli.c4gh import C4GH_COMMANDS, C4GH_HELP
from modos.cli.condition.check import check
from modos.cli.condition.upgrade import upgrade
from modos.cli.condition.verify import verify
from modos.cli.demo import demo
from modos.cli.history.diff import diff
from modos.cli.history.log import log
from modos.cli.history.trash import trash
from modos.cli.history.undo import undo
from modos.cli.list import list_objects
from modos.cli.object.add import add
from modos.cli.object.create import create
from modos.cli.object.export import export
from modos.cli.object.pack import pack
from modos.cli.object.publish import publish
from modos.cli.object.query import query
from modos.cli.object.remove import remove
from modos.cli.object.rename import rename
from modos.cli.object.show import show
from modos.cli.object.unpack import unpack
from modos.cli.object.update import update
from modos.cli.omics.enrich import enrich
from modos.cli.omics.index import index
from modos.cli.omics.reference import add_reference
from modos.cli.omics.sequence import fetch_sequence
from modos.cli.omics.stream import stream_records
from modos.cli.omics.table import table
from modos.cli.reporting import report
from modos.cli.storage import STORAGE_COMMANDS, STORAGE_HELP
from modos.cli.swift import SWIFT_COMMANDS, SWIFT_HELP
from modos.cli.transfer import transfer

__all__ = ["COMMANDS", "GROUPS", "application", "run"]

COMMANDS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        "create": create,
        "add": add,
        "update": update,
        "rename": rename,
        "remove": remove,
        "log": log,
        "diff": diff,
        "undo": undo,
        "trash": trash,
        "show": show,
        "export": export,
        "list": list_objects,
        "transfer": transfer,
        "verify": verify,
        "check": check,
        "upgrade": upgrade,
        "pack": pack,
        "unpack": unpack,
        "publish": publish,
        "query": query,
        "stream": stream_records,
        "fetch-sequence": fetch_sequence,
        "add-reference": add_reference,
        "index": index,
        "table": table,
        "enrich": enrich,
        "demo": demo,
    }
)
"""Name of a command to the function that is it, in the order of the help."""

GROUPS: Mapping[str, tuple[str, Mapping[str, Callable[..., None]]]] = MappingProxyType(
    {
        "c4gh": (C4GH_HELP, C4GH_COMMANDS),
        "storage": (STORAGE_HELP, STORAGE_COMMANDS),
        "swift": (SWIFT_HELP, SWIFT_COMMANDS),
    }
)
"""Name of a group of commands to its help and its commands; `modos NAME COMMAND` is how they are called."""


@dataclass
class Session:
    """What the general options say.

    Attributes
    ----------
    debug
        Whether tracebacks are shown.
    """

    debug: bool = False


class Command(TyperCommand):
    """A command, whose help names arguments and flags without the types that typer shows beside them."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as in click
        return _untyped(super().get_params(ctx))


class Group(TyperGroup):
    """Commands under one name, with such help."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as in click
        return _untyped(super().get_params(ctx))


class Program(Group):
    """The commands; what typer would take its own way, such as Ctrl-C and a closed pipe, is told as all else is."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as in click
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, OSError) as error:
            raise typer.Exit(report(error, debug=ctx.obj.debug)) from error


def application() -> typer.Typer:
    """Return the program with all its commands."""
    program = typer.Typer(
        name="modos",
        cls=Program,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    program.callback()(_general)
    for name, command in COMMANDS.items():
        program.command(name, cls=Command)(command)
    for name, (text, commands) in GROUPS.items():
        group = typer.Typer(cls=Group, help=text, no_args_is_help=True)
        for each, command in commands.items():
            group.command(each, cls=Command)(command)
        program.add_typer(group, name=name)
    return program


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; whatever goes wrong is told in one sentence."""
    _write_anything()
    _forget_no_width()
    _keep_libraries_quiet()
    session = Session()
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            command: Callable[..., Any] = get_command(application()).main
            ended = command(args=list(arguments), prog_name="modos", standalone_mode=False, obj=session)
        if sys.stdout is not None:  # none when it is closed
            sys.stdout.flush()
    except SystemExit as end:  # of completion
        return end.code if isinstance(end.code, int) else 0
    except BaseException as error:  # noqa: BLE001 - the last place where anything can be told
        return report(error, debug=session.debug)
    return ended if isinstance(ended, int) else 0


def _untyped(parameters: Sequence[Any]) -> list[Any]:
    """Return parameters of click that show their names, which say enough, and no types; options show what they take."""
    for each in parameters:
        if each.param_type_name == "argument":
            each.display_type_rich = lambda ctx: None  # noqa: ARG005 - as in typer
            name = each.metavar or each.name
            shown = name if each.required else f"[{name}]"
            pieces = [shown if each.nargs == 1 else f"{shown}..."]
            each.get_usage_pieces = lambda ctx, pieces=pieces: pieces  # noqa: ARG005 - likewise
        elif each.is_flag:
            each.metavar = ""
    return list(parameters)


def _write_anything() -> None:
    """Let no character of a name or a description fail on the way to a terminal or file that cannot show it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_no_width() -> None:
    """Take a width of 0, by which a terminal says that it knows none, for none: rich would write nothing."""
    if os.environ.get("COLUMNS") == "0":
        del os.environ["COLUMNS"]


def _keep_libraries_quiet() -> None:
    """Keep what libraries log, which Python writes to standard error for want of a handler, from the user's eyes."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer's signature
    if asked:
        from modos import __version__

        typer.echo(f"modos {__version__}")
        raise typer.Exit


def _general(
    context: typer.Context,
    *,
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="MODOS_DEBUG", help="Show tracebacks, for reports of defects."),
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Create, edit, find, move and read multi-omics digital objects, on disk, in S3 and in OpenStack Swift alike.

    OBJECT is a directory, s3://bucket/ex or swift://container/ex. Credentials come from the environment: AWS_* for S3,
    OS_* or ST_* for Swift. Results go to standard output, everything else to standard error.
    """
    context.obj.debug = debug
