"""`modos demo`: the main job, from sample files to an object in Swift, in plain words.

Owns how the steps look and where the files go. Must not know the steps.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.progress import shown

if TYPE_CHECKING:
    from modos.testing.demo import Kind

__all__ = ["demo"]

_NEXT = """\
Everything held. What next:
  modos create --from-file my_study.yaml my_study     an object of your own; samples/modo.yaml is a pattern
  modos show --zarr my_study                          what is in it
  modos transfer my_study swift://omics/my_study      to Swift, with OS_STORAGE_URL and OS_AUTH_TOKEN set
  modos list swift://omics                            what is there
  modos --help                                        all the rest"""


def demo(
    *,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Keep samples and object there: an empty directory, or a new one."),
    ] = None,
) -> None:
    """Show what modos does on simulated data and a real OpenStack Swift, started here and gone afterwards.

    Takes a few seconds, writes to a temporary directory only, and needs the extras all and swift-server.
    """
    with TemporaryDirectory(prefix="modos-demo-") as scratch:
        _run(keep or Path(scratch))
    typer.echo(f"\n{_NEXT}")
    if keep is not None:
        typer.echo(f"\nKept in {keep}: samples, and the object demo ('modos show {keep / 'demo'}').")


def _run(directory: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    from modos.testing.demo import run_demo

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    steps = 0

    def say(kind: "Kind", text: str) -> None:
        nonlocal steps
        if kind == "step":
            steps += 1
            console.print(Text(f"\n{steps}. {text}", style="bold"))
            return
        for line in text.split("\n"):
            prompt = "    " if kind == "shown" else "... " if line.startswith(" ") else ">>> "
            console.print(Text(prompt + line, style="cyan" if kind == "code" else ""))

    with shown() as progress:
        run_demo(directory, say, progress=progress)
