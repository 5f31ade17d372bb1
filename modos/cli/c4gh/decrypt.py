"""`modos c4gh decrypt`: a file, decrypted from any place to any other.

Owns the words of the command. Must not know how decryption works.
"""

from typing import Annotated

import typer

from modos.cli.c4gh.files import Command, Keys, Overwrite, Source, locate, public_keys, secret_keys
from modos.cli.places import Endpoint, check_s3
from modos.cli.progress import amount
from modos.errors import EncryptionError

__all__ = ["decrypt"]


def decrypt(
    source: Source,
    target: Annotated[str, typer.Argument(metavar="DST", help="Where the plain file goes.")],
    *,
    key: Keys = None,
    key_command: Command = None,
    sender: Annotated[
        str | None,
        typer.Option("--sender", metavar="KEY", help="Public key of who must have written it: a file, or its text."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option("--size", min=0, metavar="BYTES", help="What the content must come to, where it is known."),
    ] = None,
    overwrite: Overwrite = False,
    endpoint: Endpoint = None,
) -> None:
    """Decrypt a file; DST is seen when all of it has been proven to be as written, else nothing is left of it."""
    from modos import encryption

    check_s3(source, target, endpoint=endpoint)
    keys = secret_keys(key, key_command)
    writer = public_keys([sender])[0] if sender else None
    storage, name = locate(target, endpoint=endpoint)
    content = encryption.decrypt(
        encryption.stream_file(*locate(source, endpoint=endpoint)), keys, sender=writer, size=size
    )
    try:
        info = storage.put(content, name, mode="overwrite" if overwrite else "create")
    except EncryptionError as error:
        error.file = source
        raise
    typer.echo(f"{target}: {amount(info.size)}")
