"""Where keys come from: files, the environment, a command that knows them.

Owns the names of the variables and how the command is run. Must not know what a key file looks like.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from modos.encryption.key_files import Passphrase, parse_public_key, parse_secret_key
from modos.encryption.keys import PublicKey, SecretKey
from modos.errors import EncryptionError, InvalidKeyError

__all__ = [
    "KEY_VARIABLES",
    "find_keys",
    "key_from_command",
    "public_key_of",
    "read_public_key",
    "read_secret_key",
    "secret_key_of",
]

KEY_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "C4GH_SECRET_KEY": "path of the file with the secret key",
        "C4GH_PASSPHRASE": "passphrase of whichever secret key is locked; without it, it is asked for",
        "MODOS_C4GH_KEY": "text of the secret key itself",
        "MODOS_C4GH_KEY_COMMAND": "command that writes the secret key, such as that of a password store",
    }
)
"""Environment variables that keys come from, and what they hold; the first two are those of the program crypt4gh."""

_LONGEST = 1024 * 1024
_NO_PATH = re.compile(r"-----(BEGIN|END) |[\n\0]")
"""What the text of a key has, which must not be shown, and the path of its file has not."""


def find_keys(environment: Mapping[str, str], *, passphrase: Passphrase | None = None) -> list[SecretKey]:
    """Return the secret keys that the environment names, see `KEY_VARIABLES`.

    Parameters
    ----------
    environment
        The variables, such as `os.environ`.
    passphrase
        Asks for a passphrase where a key is locked and the environment has none; `None`: such a key is refused.

    Raises
    ------
    InvalidKeyError
        When a key that is named cannot be used; names the variable, and never repeats the text of a key.
    """
    if "C4GH_PASSPHRASE" in environment:
        passphrase = partial(environment.__getitem__, "C4GH_PASSPHRASE")
    found = []
    for name, read in (
        ("MODOS_C4GH_KEY", parse_secret_key),
        ("C4GH_SECRET_KEY", read_secret_key),
        ("MODOS_C4GH_KEY_COMMAND", key_from_command),
    ):
        if not environment.get(name):
            continue
        try:
            found.append(read(environment[name], passphrase=passphrase))
        except EncryptionError as error:
            error.add_note(f"while reading the key that {name} names")
            raise
    return found


def read_secret_key(path: str | os.PathLike[str], *, passphrase: Passphrase | None = None) -> SecretKey:
    """Return the secret key in a file, of crypt4gh or OpenSSH.

    Parameters
    ----------
    path
        The file.
    passphrase
        Asks for the passphrase, when the key is locked; `None`: a locked key is refused.

    Raises
    ------
    InvalidKeyError
        When there is no such file, or no such key in it; names the file.
    """
    text = _text(path)
    try:
        return parse_secret_key(text, passphrase=passphrase)
    except InvalidKeyError as error:
        error.file = error.file or os.fspath(path)
        raise


def read_public_key(path: str | os.PathLike[str]) -> PublicKey:
    """Return the public key in a file, of crypt4gh or OpenSSH.

    Raises
    ------
    InvalidKeyError
        When there is no such file, or no such key in it; names the file.
    """
    text = _text(path)
    try:
        return parse_public_key(text)
    except InvalidKeyError as error:
        error.file = error.file or os.fspath(path)
        raise


def public_key_of(given: PublicKey | str | os.PathLike[str]) -> PublicKey:
    """Return the public key that somebody gives: the key, its file, or its text.

    Raises
    ------
    InvalidKeyError
        When it is none of these.
    """
    if isinstance(given, PublicKey):
        return given
    if not isinstance(given, str) or os.path.isfile(_path(given)):  # noqa: PTH113 - that of pathlib raises for long names
        return read_public_key(given)
    try:
        return parse_public_key(given)
    except InvalidKeyError as error:
        error.add_note("there is no file of that name either")
        raise


def secret_key_of(given: SecretKey | str | os.PathLike[str], *, passphrase: Passphrase | None = None) -> SecretKey:
    """Return the secret key that somebody gives: the key, or its file.

    Parameters
    ----------
    given
        The key, or the path of its file.
    passphrase
        As for `read_secret_key`.

    Raises
    ------
    InvalidKeyError
        When there is no such file, or no such key in it; names the file.
    """
    return given if isinstance(given, SecretKey) else read_secret_key(given, passphrase=passphrase)


def key_from_command(command: str, *, passphrase: Passphrase | None = None) -> SecretKey:
    """Return the secret key that a command writes to its standard output.

    Parameters
    ----------
    command
        The command and its arguments as a shell would take them apart; no shell runs it.
    passphrase
        Asks for the passphrase, when the key is locked; `None`: a locked key is refused.

    Raises
    ------
    InvalidKeyError
        When it cannot be run, fails, or writes no key; names the program, and none of its arguments.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise InvalidKeyError("the command that is to write the key cannot be taken apart; check its quotes")
    program = words[0]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, check=False)  # noqa: S603 - the user's own command
    except OSError as error:
        message = f"cannot be run: {error.strerror}"
        raise InvalidKeyError(message, file=program) from error
    if done.returncode:
        message = f"wrote no key: it ended with {done.returncode}"
        raise InvalidKeyError(message, file=program)
    try:
        return parse_secret_key(done.stdout.decode(errors="replace"), passphrase=passphrase)
    except InvalidKeyError as error:
        error.file = program
        raise


def _text(path: str | os.PathLike[str]) -> str:
    if not isinstance(path, str | os.PathLike):
        message = f"a key of the right kind, or the path of its file, is needed, and this is a {type(path).__name__}"
        raise InvalidKeyError(message)
    name = os.fspath(path)
    if _NO_PATH.search(name):
        raise InvalidKeyError("the path of a key file is needed, and this is the text of a key, or of something else")
    try:
        with _path(name).open("rb") as file:
            return file.read(_LONGEST).decode(errors="replace")
    except OSError as error:
        message = f"the key cannot be read: {error.strerror}"
        raise InvalidKeyError(message, file=name) from error


def _path(name: str) -> Path:
    return Path(os.path.expanduser(name))  # noqa: PTH111 - that of pathlib raises when there is no such user
