"""`modos swift sign`: an address for somebody without credentials.

Owns the words of the command. Must not know how anything is signed.
"""

import json
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from modos.cli.places import AsJSON
from modos.cli.reporting import note
from modos.cli.swift.places import duration, opened

__all__ = ["Method", "sign"]


class Method(StrEnum):
    """What the holder of an address can do."""

    GET = "GET"
    HEAD = "HEAD"
    PUT = "PUT"


def sign(
    place: Annotated[str, typer.Argument(metavar="OBJECT", help="A file in Swift: swift://container/ex/reads.fastq.")],
    *,
    expires: Annotated[
        timedelta, typer.Option("--expires", parser=duration, metavar="SPAN", help="When it ends: 15m, 12h, 7d.")
    ] = "1d",  # type: ignore[assignment] # typer parses the default too
    method: Annotated[Method, typer.Option("--method", case_sensitive=False, help="What it allows.")] = Method.GET,
    prefix: Annotated[
        bool, typer.Option("--prefix", help="Sign everything beneath OBJECT, or a whole container.")
    ] = False,
    ip_range: Annotated[
        str | None, typer.Option("--ip", metavar="RANGE", help="From where alone it works: 192.0.2.0/24.")
    ] = None,
    new_key: Annotated[
        bool,
        typer.Option("--new-key", help="Give the container a new key first; what the one before signed still works."),
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Write an address by which whoever has it can read a file, or write one, without credentials, until it ends.

    It takes a key of the container or the account: --new-key makes one.
    """
    from modos.swift import TempURLs

    filesystem, path = opened(place)
    temp_urls = TempURLs(filesystem)
    key = temp_urls.rotate(path.partition("/")[0]).key if new_key else None
    signing = temp_urls.sign_prefix if prefix else temp_urls.sign
    signed = signing(path, expires_in=expires, method=method.value, ip_range=ip_range, key=key)
    if as_json:
        typer.echo(
            json.dumps({"url": str(signed), "method": method.value, "seconds": expires.total_seconds()}, indent=2)
        )
        return
    typer.echo(str(signed))
    if prefix:
        note("the name of a file goes before the '?'")
