"""Files and keys on the command line of `modos c4gh`.

Owns the arguments and options that these commands share, and what they come to. Must not know what a command does.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.places import access, open_object
from modos.errors import InvalidInputError, shown_url

if TYPE_CHECKING:
    from modos import MODO
    from modos.encryption import PublicKey, SecretKey
    from modos.storage import Storage

__all__ = [
    "Command",
    "Keys",
    "Overwrite",
    "Recipients",
    "Source",
    "ask_hidden",
    "ask_passphrase",
    "counted",
    "locate",
    "object_at",
    "public_keys",
    "secret_keys",
    "single_target",
    "unlocked",
]

_FILE = re.compile(r"(?P<place>(?:[a-z][a-z0-9+.-]*://[^/]*/)?(?:.*/)?)(?P<name>[^/]+)", re.DOTALL | re.IGNORECASE)
_PATH = re.compile(r"[a-z][a-z0-9+.-]*://|[/~]|\.{1,2}/", re.IGNORECASE)
_SIGNED = re.compile(r"https?://[^?]*\?", re.IGNORECASE)
_BARE_HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)

Source = Annotated[
    str,
    typer.Argument(
        metavar="SRC",
        help="An object, or a file: a path, s3://bucket/ex/reads.bam or swift://container/ex/reads.bam.",
    ),
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
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


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
        message = f"{shown_url(url)!r} is not the address of a file"
        raise typer.BadParameter(message)
    if _SIGNED.match(url):
        message = f"{shown_url(url)!r} is a signed address, which cannot be opened here; fetch the file first"
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
    from modos.encryption import key_from_command, read_secret_key

    ask = ask_passphrase
    keys = [read_secret_key(path, passphrase=ask) for path in paths or ()]
    keys += [key_from_command(command, passphrase=ask)] if command else []
    keys = keys or _of_environment()
    if not keys:
        raise typer.BadParameter("your secret key is needed: give --key or --key-command, or set C4GH_SECRET_KEY")
    return keys


def unlocked(modo: "MODO", paths: Sequence[Path] | None, command: str | None) -> "MODO":
    """Return an object with the keys that the options name; without any, the environment is asked when a file is encrypted."""
    if paths or command:
        modo.unlock(*secret_keys(paths, command))
    elif modo.list_encrypted():
        modo.unlock(*_of_environment())
    return modo


def _of_environment() -> "list[SecretKey]":
    from modos.encryption import find_keys

    return find_keys(os.environ, passphrase=ask_passphrase)


def public_keys(texts: Sequence[str]) -> "list[PublicKey]":
    """Return public keys, each of a file or of its text."""
    from modos.encryption import public_key_of

    return [public_key_of(text) for text in texts]


def object_at(source: str, rest: Sequence[str] | None, *, endpoint: str | None) -> "MODO | None":
    """Return the object that a command is about, `None` when it is about a file.

    Parameters
    ----------
    source
        What the command is given first.
    rest
        What it is given behind: elements of an object, or where a file is to go. A path or an address is no element, so that
        nothing is asked then.
    endpoint
        The S3 service.
    """
    from modos.storage import ROOT_DOCUMENT, open_storage

    if any(_PATH.match(each) for each in rest or ()):
        return None
    if not open_storage(source, storage_options=access(source, endpoint=endpoint)).exists(ROOT_DOCUMENT):
        return None
    return open_object(source, endpoint=endpoint, anon=False)


def single_target(rest: Sequence[str] | None) -> str:
    """Return where a file is to go.

    Raises
    ------
    typer.BadParameter
        When that is not said, or more than that.
    """
    if not rest:
        raise typer.BadParameter("say where the file is to go; SRC is no object, of which all files are meant")
    if len(rest) > 1:
        raise typer.BadParameter("a file goes to one place; SRC is no object, of which elements could be named")
    return rest[0]


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
    return known if known is not None else ask_hidden("Passphrase of the secret key")


def ask_hidden(question: str, *, twice: bool = False) -> str:
    """Return what whoever sits at the terminal types, without showing it.

    Raises
    ------
    InvalidInputError
        When nobody sits there.
    """
    try:
        given: str = typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True)
    except typer.Abort:
        if sys.stdin is not None and sys.stdin.isatty():  # it was Ctrl-C
            raise
        message = "there is no terminal on which a passphrase could be asked for; set C4GH_PASSPHRASE"
        raise InvalidInputError(message) from None
    return given
