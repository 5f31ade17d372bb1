"""`modos swift public` and `modos swift private`: who may read a container.

Owns the words of the commands. Must not know how access is written down.
"""

from typing import Annotated

import typer

from modos.cli.swift.places import Container, opened

__all__ = ["private", "public"]


def public(
    container: Container,
    *,
    no_listing: Annotated[bool, typer.Option("--no-listing", help="Let others read only what they can name.")] = False,
) -> None:
    """Let everyone read and list a container, and write the address under which they find it.

    Accounts that could read it before still can.
    """
    from modos.swift import Containers

    filesystem, name = opened(container)
    containers = Containers(filesystem)
    containers.make_public(name, listing=not no_listing)
    typer.echo(containers.url(name))


def private(container: Container) -> None:
    """Let only the owners of the account, and the accounts that are named, read a container.

    Signed addresses stay valid until they end.
    """
    from modos.swift import Containers

    filesystem, name = opened(container)
    Containers(filesystem).make_private(name)
