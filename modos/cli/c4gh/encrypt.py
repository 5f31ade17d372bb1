"""`modos c4gh encrypt`: a file, encrypted from any place to any other.

Owns the words of the command. Must not know how encryption works.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from modos.cli.c4gh.files import Overwrite, Recipients, Source, ask_passphrase, counted, locate, public_keys
from modos.cli.places import Endpoint, check_s3
from modos.cli.progress import amount
from modos.errors import InvalidInputError

__all__ = ["encrypt"]


def encrypt(
    source: Source,
    target: Annotated[
        str, typer.Argument(metavar="DST", help="Where the encrypted file goes, such as …/reads.bam.c4gh.")
    ],
    *,
    recipient: Recipients,
    sender: Annotated[
        Path | None,
        typer.Option("--sender", metavar="PATH", help="Your secret key, so that readers can check who wrote the file."),
    ] = None,
    overwrite: Overwrite = False,
    endpoint: Endpoint = None,
) -> None:
    """Encrypt a file for the owners of some public keys; add your own to be able to read it.

    The file is streamed, and is seen when it is whole; SRC is left as it is.
    """
    from modos import encryption

    check_s3(source, target, endpoint=endpoint)
    readers = public_keys(recipient)
    writer = encryption.read_secret_key(sender, passphrase=ask_passphrase) if sender else None
    storage, name = locate(target, endpoint=endpoint)
    plain = _plain(encryption.stream_file(*locate(source, endpoint=endpoint)), source)
    info = storage.put(
        encryption.encrypt(plain, readers, sender=writer), name, mode="overwrite" if overwrite else "create"
    )
    typer.echo(f"{target}: {amount(info.size)}, for {counted(readers)}")


def _plain(content: Iterator[bytes], source: str) -> Iterator[bytes]:
    """Yield what is to be encrypted, unless it is so already."""
    first = next(content, b"")
    if first.startswith(b"crypt4gh"):
        message = f"{source} is encrypted already; 'modos c4gh reshare' gives it to others"
        raise InvalidInputError(message)
    yield from chain([first], content)
