"""`modos c4gh encrypt`: a file, encrypted from any place to any other, or the files of an object where they are.

Owns the words of the command. Must not know how encryption works.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from modos.cli.c4gh.files import (
    Overwrite,
    Recipients,
    Source,
    ask_passphrase,
    counted,
    locate,
    object_at,
    public_keys,
    single_target,
)
from modos.cli.places import Endpoint, check_s3
from modos.cli.progress import amount
from modos.cli.reporting import note
from modos.errors import InvalidInputError
from modos.omics.naming import is_sealed

__all__ = ["encrypt"]

_EMPTYING = "'modos trash --empty' removes it for good"


def encrypt(
    source: Source,
    rest: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DST|ELEMENT",
            show_default=False,
            help="Where the encrypted file goes, such as …/reads.bam.c4gh; of an object, the elements whose files are "
            "encrypted, without any all.",
        ),
    ] = None,
    *,
    recipient: Recipients,
    sender: Annotated[
        Path | None,
        typer.Option("--sender", metavar="PATH", help="Your secret key, so that readers can check who wrote the file."),
    ] = None,
    overwrite: Overwrite = False,
    endpoint: Endpoint = None,
) -> None:
    """Encrypt files for the owners of some public keys; add your own to be able to read them.

    A file is streamed, and is seen when it is whole; SRC is left as it is. The files of an object are replaced by encrypted
    ones, with their index files: once those have been read back and the metadata say so, the plain ones are removed for
    good.
    """
    from modos import encryption

    readers = public_keys(recipient)
    writer = encryption.read_secret_key(sender, passphrase=ask_passphrase) if sender else None
    modo = object_at(source, rest, endpoint=endpoint)
    if modo is not None:
        for element in modo.encrypt(readers, rest or None, secret_key=writer):
            typer.echo(f"{element}: {modo.metadata[str(element)]['data_path']}, for {counted(readers)}")
        if kept := sorted({each.name for each in modo.trash() if _is_plain_file(each.name)}):
            note(
                f"what edits have replaced or removed is kept as it was, not encrypted: {', '.join(kept)}; {_EMPTYING}"
            )
        return
    target = single_target(rest)
    check_s3(source, target, endpoint=endpoint)
    storage, name = locate(target, endpoint=endpoint)
    plain = _plain(encryption.stream_file(*locate(source, endpoint=endpoint)), source)
    info = storage.put(
        encryption.encrypt(plain, readers, sender=writer), name, mode="overwrite" if overwrite else "create"
    )
    typer.echo(f"{target}: {amount(info.size)}, for {counted(readers)}")


def _is_plain_file(name: str) -> bool:
    return not is_sealed(name) and not name.startswith("data.zarr/")


def _plain(content: Iterator[bytes], source: str) -> Iterator[bytes]:
    """Yield what is to be encrypted, unless it is so already."""
    first = next(content, b"")
    if first.startswith(b"crypt4gh"):
        message = f"{source} is encrypted already; 'modos c4gh reshare' gives it to others"
        raise InvalidInputError(message)
    yield from chain([first], content)
