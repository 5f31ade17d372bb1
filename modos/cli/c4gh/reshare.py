"""`modos c4gh reshare`: encrypted files, given to others.

Owns the words of the command. Must not know what is in a header.
"""

from itertools import chain
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from modos.cli.c4gh.files import (
    Command,
    Keys,
    Overwrite,
    Source,
    locate,
    object_at,
    public_keys,
    secret_keys,
    single_target,
)
from modos.cli.places import Endpoint, check_s3
from modos.cli.progress import amount
from modos.errors import EncryptionError

if TYPE_CHECKING:
    from modos.encryption import SecretKey
    from modos.objects.encryption.sharing import Readers

__all__ = ["reshare"]

_TOLD = {"service": "header new, body left in place", "client": "written anew"}


def reshare(
    source: Source,
    rest: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DST|ELEMENT",
            show_default=False,
            help="Where the file for the others goes, without it SRC is replaced; of an object, elements, without any all.",
        ),
    ] = None,
    *,
    recipient: Annotated[
        list[str] | None,
        typer.Option(
            "--recipient",
            "-r",
            metavar="KEY",
            help="Public key of a reader: these and nobody else. A file, or its text.",
        ),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="KEY", help="Public key of who is to read it beside those who can."),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", metavar="KEY", help="Public key of who is to read it no more; takes the writer's key."
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Let those who could read it before still do so: -r is then --add."),
    ] = False,
    key: Keys = None,
    key_command: Command = None,
    overwrite: Overwrite = False,
    endpoint: Endpoint = None,
) -> None:
    """Give encrypted files to others: they get a new header, nothing is decrypted, the body stays as it is.

    In Swift and S3 it stays where it is, and is not sent. Whoever has kept an old file, or its header, can still read it.
    """
    from modos.objects.encryption.sharing import Readers

    named, added = public_keys(recipient or ()), public_keys(add or ())
    only = tuple(named) if named and not keep else None
    readers = Readers(only, (*added, *(named if keep else ())), tuple(public_keys(remove or ())))
    keys = secret_keys(key, key_command)
    modo = object_at(source, rest, endpoint=endpoint)
    if modo is not None:
        done = modo.unlock(*keys).reshare(readers.only, rest or None, add=readers.add, remove=readers.remove)
        for each in done:
            typer.echo(f"{each.file}: {_TOLD[each.by]}")
        return
    target = single_target(rest) if rest else None
    check_s3(source, *([target] if target else []), endpoint=endpoint)
    _reshare_file(source, target, readers, keys, overwrite=overwrite, endpoint=endpoint)


def _reshare_file(
    source: str,
    target: str | None,
    readers: "Readers",
    keys: "list[SecretKey]",
    *,
    overwrite: bool,
    endpoint: str | None,
) -> None:
    from modos import encryption
    from modos.objects.encryption.sharing import new_beginning

    storage, name = locate(source, endpoint=endpoint)
    before = storage.stat(name)
    content = encryption.stream_file(storage, name)
    try:
        head, rest = encryption.read_header(content)
        header, body = readers.header(head, keys)
    except EncryptionError as error:
        error.file = error.file or source
        raise
    by: Literal["service", "client"] = "client"
    if target is None:
        content.close()
        by, _ = new_beginning(storage, before, header, body)
        size = before.size - body + len(header)
    else:
        place, called = locate(target, endpoint=endpoint)
        info = place.put(chain([header, rest], content), called, mode="overwrite" if overwrite else "create")
        size = info.size
    typer.echo(f"{target or source}: {amount(size)}; {_TOLD[by]}")
