"""Key files: those of crypt4gh, and those of OpenSSH.

Owns how keys are written and read as text. Must not know where the text is kept.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from modos._lazy import require
from modos.encryption.keys import KEY_LENGTH, PublicKey, SecretKey, primitive
from modos.errors import InvalidInputError, InvalidKeyError

__all__ = ["Passphrase", "format_public_key", "format_secret_key", "parse_public_key", "parse_secret_key"]

type Passphrase = Callable[[], str]
"""Asks for a passphrase; called only when one is needed."""

_ARMOUR = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----\s(?P<body>[^-]*)-----END (?P=label)-----")
_PUBLIC, _SECRET, _OPENSSH = "CRYPT4GH PUBLIC KEY", "CRYPT4GH PRIVATE KEY", "OPENSSH PRIVATE KEY"
_MAGIC = b"c4gh-v1"
_NONCE, _SALT = 12, 16
_SHORTEST_LINE = 2
_LONGEST_FIELD = 0xFFFF


def _scrypt(passphrase: bytes, salt: bytes, _: int) -> bytes:
    return hashlib.scrypt(passphrase, salt=salt, n=1 << 14, r=8, p=1, dklen=KEY_LENGTH)


def _bcrypt(passphrase: bytes, salt: bytes, rounds: int) -> bytes:
    bcrypt = require("bcrypt", extra="encryption", purpose="a key that is locked with bcrypt")
    key: bytes = bcrypt.kdf(passphrase, salt, KEY_LENGTH, rounds, ignore_few_rounds=True)
    return key


def _pbkdf2(passphrase: bytes, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase, salt, rounds, dklen=KEY_LENGTH)


_DERIVATIONS: Mapping[bytes, Callable[[bytes, bytes, int], bytes]] = MappingProxyType(
    {b"scrypt": _scrypt, b"bcrypt": _bcrypt, b"pbkdf2_hmac_sha256": _pbkdf2}
)


def parse_public_key(text: str) -> PublicKey:
    """Return the public key that a text holds.

    Parameters
    ----------
    text
        A public key file of crypt4gh, a line `ssh-ed25519 …` of OpenSSH, or the 44 characters of a key alone.

    Raises
    ------
    InvalidKeyError
        When it is none of these.

    Examples
    --------
    >>> str(parse_public_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea ada"))
    '2F4H7CKwrYgVN8L0TWYtGhQ8+DDFespDBdhcepD2ti4='
    """
    text = text.strip()
    if text.startswith("ssh-"):
        return _parse_openssh_public(text)
    found = _ARMOUR.search(text)
    if found and found["label"] != _PUBLIC:
        message = f"a public key is needed, and this is a {found['label'].lower()}"
        raise InvalidKeyError(message)
    return PublicKey(_decoded(found["body"] if found else text, "public"))


def parse_secret_key(text: str, *, passphrase: Passphrase | None = None) -> SecretKey:
    """Return the secret key that a text holds.

    Parameters
    ----------
    text
        A secret key file of crypt4gh (locked with scrypt, bcrypt or PBKDF2, or not at all), or one of OpenSSH that holds
        an Ed25519 key.
    passphrase
        Asks for the passphrase, when the key is locked; `None`: a locked key is refused.

    Raises
    ------
    InvalidKeyError
        When it is neither, or the passphrase is not the right one.
    """
    found = _ARMOUR.search(text)
    if found and found["label"] == _OPENSSH:
        return _parse_openssh_secret(found[0], passphrase)
    if found is None or found["label"] != _SECRET:
        raise InvalidKeyError("a secret key file of crypt4gh or of OpenSSH is needed, and this is neither")
    content = _decoded(found["body"], "secret")
    if not content.startswith(_MAGIC):
        raise InvalidKeyError("the secret key file does not begin as those of crypt4gh do")
    return SecretKey(_unlocked(content[len(_MAGIC) :], passphrase))


def format_public_key(key: PublicKey) -> str:
    """Return a public key file of crypt4gh."""
    return _armoured(_PUBLIC, key.raw)


def format_secret_key(key: SecretKey, *, passphrase: str | None = None, comment: str = "") -> str:
    """Return a secret key file of crypt4gh.

    Parameters
    ----------
    key
        The key.
    passphrase
        Locks it, with scrypt; `None`: whoever has the file has the key.
    comment
        Kept in the file, for people.

    Raises
    ------
    InvalidInputError
        When the comment is longer than a key file has room for.
    """
    if passphrase is None:
        fields = [b"none", b"none", key.raw]
    else:
        salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
        cipher = primitive("ciphers.aead").ChaCha20Poly1305(_scrypt(_as_typed(passphrase), salt, 0))
        locked = nonce + cipher.encrypt(nonce, key.raw, None)
        fields = [b"scrypt", (0).to_bytes(4, "big") + salt, b"chacha20_poly1305", locked]
    fields += [_as_typed(comment)] if comment else []
    if len(fields[-1]) > _LONGEST_FIELD:
        message = f"a comment of {len(fields[-1]):,} bytes is too long: a key file has room for {_LONGEST_FIELD:,}"
        raise InvalidInputError(message)
    return _armoured(_SECRET, _MAGIC + b"".join(len(each).to_bytes(2, "big") + each for each in fields))


def _armoured(label: str, content: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.b64encode(content).decode()}\n-----END {label}-----\n"


def _decoded(text: str, kind: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        message = f"the {kind} key is not in base64"
    raise InvalidKeyError(message)


def _unlocked(content: bytes, passphrase: Passphrase | None) -> bytes:
    """Return the key in what follows the magic word: fields with their lengths before them."""
    derivation, content = _field(content)
    options = b""
    if derivation != b"none":
        if derivation not in _DERIVATIONS:
            message = f"the secret key is locked with {_shown(derivation)}; known are {_listed(_DERIVATIONS)}"
            raise InvalidKeyError(message)
        options, content = _field(content)
    cipher, content = _field(content)
    key, _ = _field(content)
    if cipher == b"none":
        return key
    if cipher != b"chacha20_poly1305" or derivation == b"none":
        message = f"the secret key is locked with the cipher {_shown(cipher)}, which crypt4gh does not know"
        raise InvalidKeyError(message)
    rounds, salt = int.from_bytes(options[:4], "big"), options[4:]
    return _opened(key, _derived(derivation, _asked(passphrase), salt, rounds))


def _derived(derivation: bytes, passphrase: str, salt: bytes, rounds: int) -> bytes:
    try:
        return _DERIVATIONS[derivation](_as_typed(passphrase), salt, rounds)
    except (ValueError, OverflowError):
        pass
    name = _shown(derivation)
    message = f"the secret key cannot be unlocked: {name} takes no empty passphrase, or the key file is damaged"
    raise InvalidKeyError(message)


def _as_typed(text: str) -> bytes:
    """Return the bytes of a text, also of one whose bytes were no UTF-8 and that Python holds as surrogates."""
    return text.encode(errors="surrogateescape")


def _opened(locked: bytes, key: bytes) -> bytes:
    cipher = primitive("ciphers.aead").ChaCha20Poly1305(key)

    from cryptography.exceptions import InvalidTag  # behind what says so when the library is not there

    try:
        opened: bytes = cipher.decrypt(locked[:_NONCE], locked[_NONCE:], None)
    except (InvalidTag, ValueError):
        pass
    else:
        return opened
    raise InvalidKeyError("the passphrase is not that of the secret key")


def _field(content: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(content[:2], "big")
    if len(content) < 2 + length:
        raise InvalidKeyError("the secret key file is cut off")
    return content[2 : 2 + length], content[2 + length :]


def _asked(passphrase: Passphrase | None) -> str:
    if passphrase is None:
        raise InvalidKeyError("the secret key is locked, and there is nobody to ask for its passphrase")
    return passphrase()


def _parse_openssh_public(line: str) -> PublicKey:
    words = line.split()
    if words[0] != "ssh-ed25519" or len(words) < _SHORTEST_LINE:
        message = f"of the keys of OpenSSH only ssh-ed25519 can be used, not {words[0]}"
        raise InvalidKeyError(message)
    content = _decoded(words[1], "public")
    start = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"
    if not content.startswith(start):
        raise InvalidKeyError("the public key of OpenSSH is damaged")
    return PublicKey.from_ed25519(content[len(start) :])


def _parse_openssh_secret(text: str, passphrase: Passphrase | None) -> SecretKey:
    load = primitive("serialization").load_ssh_private_key

    from cryptography.exceptions import UnsupportedAlgorithm  # behind what says so when the library is not there

    content = text.encode() + b"\n"
    try:
        try:
            key = load(content, None)
        except TypeError:  # it is locked
            key = load(content, _as_typed(_asked(passphrase)))
    except UnsupportedAlgorithm as error:
        require("bcrypt", extra="encryption", purpose="a locked key of OpenSSH")
        message = (
            "of the keys of OpenSSH only Ed25519 can be used; this is another, or locked in a way that is not known"
        )
        raise InvalidKeyError(message) from error
    except InvalidKeyError:
        raise
    except ValueError:
        key = None
    if key is None:
        raise InvalidKeyError("the secret key of OpenSSH cannot be read, or not with this passphrase")
    if not isinstance(key, primitive("asymmetric.ed25519").Ed25519PrivateKey):
        raise InvalidKeyError("of the keys of OpenSSH only Ed25519 can be used")
    return SecretKey.from_ed25519(key.private_bytes_raw())


def _shown(name: bytes) -> str:
    return repr(name[:40].decode(errors="replace"))


def _listed(names: Mapping[bytes, object]) -> str:
    return ", ".join(name.decode() for name in names)
