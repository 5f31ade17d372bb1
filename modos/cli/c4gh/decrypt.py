"""`modos c4gh decrypt`: a file, decrypted from any place to any other, or the files of an object where they are.

Owns the words of the command. Must not know how decryption works.
"""

from typing import Annotated

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

__all__ = ["decrypt"]


def decrypt(
    source: Source,
    rest: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DST|ELEMENT",
            show_default=False,
            help="Where the plain file goes; of an object, the elements whose files are decrypted, without any all.",
        ),
    ] = None,
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
    """Decrypt files; DST is seen when all of it has been proven to be as written, else nothing is left of it.

    The files of an object are replaced by plain ones, with their index files.
    """
    from modos import encryption

    modo = object_at(source, rest, endpoint=endpoint)
    keys = secret_keys(key, key_command)
    writer = public_keys([sender])[0] if sender else None
    if modo is not None:
        for element in modo.unlock(*keys, sender=writer).decrypt(elements=rest or None):
            typer.echo(f"{element}: {modo.metadata[str(element)]['data_path']}")
        return
    target = single_target(rest)
    check_s3(source, target, endpoint=endpoint)
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
