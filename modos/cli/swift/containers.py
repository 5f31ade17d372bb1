"""`modos swift create` and `modos swift containers`: a new container, and what containers there are.

Owns the words of the commands. Must not know how they are made or listed.
"""

import json

import typer

from modos.cli.places import AsJSON
from modos.cli.progress import amount
from modos.cli.reporting import note
from modos.cli.swift.places import Container, opened

__all__ = ["containers", "create"]


def create(container: Container) -> None:
    """Make a container that only the owners of the account can use, and write its address."""
    from modos.swift import Containers

    filesystem, name = opened(container)
    Containers(filesystem).create(name)
    typer.echo(container if "://" in container else f"swift://{name}")


def containers(*, as_json: AsJSON = False) -> None:
    """List the containers of the account: how many objects, how large, and whether everyone may read."""
    from modos.swift import Containers

    found = Containers().describe()
    if as_json:
        told = (
            {"name": each.name, "objects": each.objects, "bytes": each.bytes, "public": each.is_public}
            for each in found
        )
        typer.echo(json.dumps([*told], indent=2))
        return
    if not found:
        note("there are no containers in this account")
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        public = "  public" if each.is_public else ""
        typer.echo(f"{each.name:<{width}}  {each.objects:>9,} objects  {amount(each.bytes):>9}{public}")
