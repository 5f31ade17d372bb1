"""`modos c4gh keygen`: a new pair of keys.

Owns the words of the command, and that no key is ever overwritten. Must not know what a key file looks like.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from modos.cli.c4gh.files import ask_hidden
from modos.errors import InvalidInputError

__all__ = ["keygen"]


def keygen(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="File for the secret key; the public one goes to PATH.pub beside it.")
    ],
    *,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Kept in the file, for people.")] = "",
    unlocked: Annotated[
        bool,
        typer.Option("--no-passphrase", help="Do not lock the key: whoever has the file has the key."),
    ] = False,
) -> None:
    """Make a pair of keys: a secret one, locked with a passphrase, and the public one to hand out.

    The passphrase is C4GH_PASSPHRASE, if that is set, else it is asked for. Writes the public key.
    """
    from modos.encryption import format_public_key, format_secret_key, generate_key

    if not path.name:
        raise InvalidInputError(f"{str(path)!r} is no file's name")
    public = path.with_name(f"{path.name}.pub")
    for each in (path, public):
        if each.exists():
            message = (
                f"{each} is there already; a key that is overwritten opens nothing any more, so choose another name"
            )
            raise InvalidInputError(message)
    key = generate_key()
    handed_out = format_public_key(key.public)  # before anything is asked or written: an extra may be missing
    secret = format_secret_key(key, passphrase=None if unlocked else _new_passphrase(), comment=comment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # as ~/.c4gh, at first
    _write(path, secret, 0o600)
    _write(public, handed_out, 0o644)
    typer.echo(str(key.public))


def _new_passphrase() -> str:
    if known := os.environ.get("C4GH_PASSPHRASE"):  # an empty one would lock nothing
        return known
    return ask_hidden("New passphrase", twice=True)


def _write(path: Path, text: str, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:
        file.write(text)
