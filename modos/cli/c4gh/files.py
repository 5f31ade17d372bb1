"""Files and keys on the command line of `modos c4gh`.

Owns the arguments and options that these commands share, and what they come to. Must not know what a command does.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.places import access
from modos.errors import InvalidKeyError

if TYPE_CHECKING:
    from modos.encryption import PublicKey, SecretKey
    from modos.storage import Storage

__all__ = [
    "Command",
    "Keys",
    "Overwrite",
    "Recipients",
    "Source",
    "ask_passphrase",
    "counted",
    "locate",
    "public_keys",
    "secret_keys",
]

_FILE = re.compile(r"(?P<place>(?:[a-z][a-z0-9+.-]*://[^/]*/)?(?:.*/)?)(?P<name>[^/]+)", re.DOTALL | re.IGNORECASE)
_BARE_HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)

Source = Annotated[
    str,
    typer.Argument(metavar="SRC", help="The file: a path, s3://bucket/ex/reads.bam or swift://container/ex/reads.bam."),
]
Keys = Annotated[
    list[Path] | None,
    typer.Option(
        "--key", "-k", metavar="PATH", help="Your secret key; without it those that C4GH_SECRET_KEY and others name."
    ),
]
Command = Annotated[
    str | None,
    typer.Option("--key-command", metavar="COMMAND", help="Writes your secret key: 'pass show c4gh', for example."),
]
Recipients = Annotated[
    list[str],
    typer.Option("--recipient", "-r", metavar="KEY", help="Public key of a reader: a file, or its text. Any number."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", metavar="", help="Replace a file that is there.")]


def locate(url: str, *, endpoint: str | None) -> tuple["Storage", str]:
    """Return the storage that a file is in, and its name there.

    Raises
    ------
    typer.BadParameter
        When it is the address of no file.
    """
    from modos.storage import open_storage

    found = _FILE.fullmatch(url)
    if found is None or _BARE_HOST.fullmatch(url):
        message = f"{url!r} is not the address of a file"
        raise typer.BadParameter(message)
    place = found["place"] or "."
    return open_storage(place, storage_options=access(place, endpoint=endpoint)), found["name"]


def secret_keys(paths: Sequence[Path] | None, command: str | None) -> "list[SecretKey]":
    """Return the keys that the options name, else those that the environment names.

    Raises
    ------
    typer.BadParameter
        When there are none.
    """
    from modos.encryption import find_keys, key_from_command, read_secret_key

    ask = ask_passphrase
    keys = [read_secret_key(path, passphrase=ask) for path in paths or ()]
    keys += [key_from_command(command, passphrase=ask)] if command else []
    keys = keys or find_keys(os.environ, passphrase=ask)
    if not keys:
        raise typer.BadParameter("your secret key is needed: give --key or --key-command, or set C4GH_SECRET_KEY")
    return keys


def public_keys(texts: Sequence[str]) -> "list[PublicKey]":
    """Return public keys, each of a file or of its text."""
    return [_public_key(text) for text in texts]


def _public_key(text: str) -> "PublicKey":
    from modos.encryption import parse_public_key, read_public_key

    if Path(text).is_file():
        return read_public_key(text)
    try:
        return parse_public_key(text)
    except InvalidKeyError as error:
        error.add_note("there is no file of that name either")
        raise


def counted(keys: "Sequence[PublicKey]") -> str:
    """Return how many keys there are, in words.

    Examples
    --------
    >>> counted([])
    '0 keys'
    """
    count = len(set(keys))
    return f"{count} key" if count == 1 else f"{count} keys"


def ask_passphrase() -> str:
    """Return the passphrase of a key: from the environment, else from whoever sits at the terminal."""
    known = os.environ.get("C4GH_PASSPHRASE")
    return known if known is not None else typer.prompt("Passphrase of the secret key", hide_input=True, err=True)
