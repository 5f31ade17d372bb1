"""`modos c4gh reshare`: an encrypted file, given to others.

Owns the words of the command. Must not know what is in a header.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated

import typer

from modos.cli.c4gh.files import (
    Command,
    Keys,
    Overwrite,
    Recipients,
    Source,
    counted,
    locate,
    public_keys,
    secret_keys,
)
from modos.cli.places import Endpoint, check_s3
from modos.cli.progress import amount
from modos.errors import EncryptionError

__all__ = ["reshare"]


def reshare(
    source: Source,
    target: Annotated[
        str | None,
        typer.Argument(metavar="DST", help="Where the file for the others goes; without it, SRC is replaced."),
    ] = None,
    *,
    recipient: Recipients,
    keep: Annotated[
        bool, typer.Option("--keep", metavar="", help="Let those who could read it before still do so.")
    ] = False,
    key: Keys = None,
    key_command: Command = None,
    overwrite: Overwrite = False,
    endpoint: Endpoint = None,
) -> None:
    """Give an encrypted file to others: it gets a new header, nothing is decrypted, the body goes through unchanged.

    Only the owners of the keys that are named can read it then; add your own to stay among them. Whoever has kept
    the old file, or its header, can still read it.
    """
    from modos import encryption

    check_s3(source, *([target] if target else []), endpoint=endpoint)
    keys, readers = secret_keys(key, key_command), public_keys(recipient)
    content = encryption.stream_file(*locate(source, endpoint=endpoint))
    storage, name = locate(target or source, endpoint=endpoint)
    try:
        head, rest = encryption.read_header(content)
        header, _ = encryption.reshare(head, keys, readers, keep=keep)
    except EncryptionError as error:
        error.file = error.file or source
        raise
    info = storage.put(_joined(header, rest, content), name, mode="overwrite" if overwrite or not target else "create")
    typer.echo(f"{target or source}: {amount(info.size)}, for {counted(readers)}; header new, body copied")


def _joined(header: bytes, rest: bytes, content: Iterator[bytes]) -> Iterator[bytes]:
    return chain([header, rest], content)
