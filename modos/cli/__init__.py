"""The command line, `modos`.

Owns the words, flags and exit codes around public calls, one module for each command. Must not know any logic: what a
command does can be done from Python by one public call.
"""

from collections.abc import Sequence

from modos._lazy import require
from modos.errors import MissingDependencyError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit code: 0, 1 for what was refused or failed, 2 for wrong usage, 130 for Ctrl-C.

    Parameters
    ----------
    arguments
        What follows the name of the program; `None` for that of this process.
    """
    import sys

    try:
        for module in ("rich", "typer"):
            require(module, extra="cli", purpose="the command line")
    except MissingDependencyError as error:
        sys.stderr.write(f"modos: {error}\n")
        return 1
    try:
        from modos.cli.application import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # before there was anybody to take it
        sys.stderr.write("modos: interrupted\n")
        return 130
