"""What went wrong, as one sentence on standard error and an exit code.

Owns what each error comes to at the command line. Must not know any command.
"""

import os
import sys
from types import MappingProxyType

import typer

from modos.errors import ModosError

__all__ = ["FAILED", "INTERRUPTED", "MISUSED", "message", "note", "remark", "report", "visible"]

FAILED = 1
"""Exit code of what was refused or has failed."""

MISUSED = 2
"""Exit code of a command line that means nothing."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

_USAGE, _COMMAND_LINE = typer.BadParameter.__mro__[1:3]  # click's; newer typers carry a click of their own
_CONTROL = MappingProxyType({code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))})
_ESCAPED = MappingProxyType({code: shown for code, shown in _CONTROL.items() if code != ord("\n")})
_DEFECT = "this is a defect of modos; please report it with what 'modos --debug' shows"


def report(error: BaseException, *, debug: bool = False) -> int:
    """Say what went wrong and return the exit code.

    Parameters
    ----------
    error
        What ended the command.
    debug
        Whether to show the traceback first.
    """
    if debug:
        import traceback

        traceback.print_exception(error)
    told, code = _meaning(error)
    if told:
        note(told)
    return code


def note(text: str) -> None:
    """Write a line to standard error, with characters that would steer a terminal made visible."""
    remark(f"modos: {text.translate(_ESCAPED)}")


def visible(text: str) -> str:
    r"""Return what somebody has written as one line, with characters that would steer a terminal made visible.

    Examples
    --------
    >>> visible("Ada\nLovelace") == r"Ada\x0aLovelace"
    True
    """
    return text.translate(_CONTROL)


def remark(text: str) -> None:
    """Write a line to standard error as it is; what is done goes on when nobody listens there, or its disk is full."""
    try:
        typer.echo(text, err=True)
    except OSError:
        _point_at_nothing()


def _meaning(error: BaseException) -> tuple[str, int]:
    match error:
        case Exception() if isinstance(error, _COMMAND_LINE):
            return _misuse(error)
        case KeyboardInterrupt() | typer.Abort():
            return "interrupted", INTERRUPTED
        case ModosError():
            return message(error), FAILED
        case BrokenPipeError():
            _point_at_nothing()
            return "nobody read the output to its end", FAILED
        case OSError(strerror=str(reason)):
            told = f"{error.filename}: {reason}" if error.filename else reason
        case _:
            told = f"{type(error).__name__}: {' '.join(str(error).split())}; {_DEFECT}"
    return told, FAILED


def _misuse(error: BaseException) -> tuple[str, int]:
    ours = isinstance(error, typer.BadParameter) and error.param is None  # click would begin it with "Invalid value:"
    text = error.message if ours else error.format_message()  # type: ignore[attr-defined] # as click has them
    told = " ".join(str(text).split()).rstrip(".").replace("Value error, ", "")  # pydantic's, by which typer converts
    context = getattr(error, "ctx", None)
    if not told:  # no arguments at all: the help was shown
        return "", MISUSED
    hint = f"; see '{context.command_path} --help'" if context and isinstance(error, _USAGE) else ""
    return f"{told}{hint}", MISUSED


def message(error: BaseException) -> str:
    """Return what an error says, with its notes."""
    return "; ".join([str(error), *getattr(error, "__notes__", ())])


def _point_at_nothing() -> None:
    """Let what is still to be written to a closed pipe, at the latest when Python exits, go nowhere."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
