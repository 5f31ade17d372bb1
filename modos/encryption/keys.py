"""Keys: pairs of X25519, and those of OpenSSH's Ed25519 turned into such.

Owns the two key types and what is computed with them. Must not know how keys are stored.
"""

import base64
import hashlib
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from modos._lazy import require
from modos.errors import InvalidKeyError

__all__ = ["KEY_LENGTH", "PublicKey", "SecretKey", "generate_key", "primitive"]

KEY_LENGTH = 32
"""Bytes of every key: secret, public, of a session."""

_PRIME = 2**255 - 19
_SIGN = 1 << 255


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What others encrypt for: 32 bytes of X25519.

    Parameters
    ----------
    raw
        The bytes.

    Raises
    ------
    InvalidKeyError
        When they are not 32.

    Examples
    --------
    >>> PublicKey(bytes(range(32)))
    PublicKey('AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=')
    """

    raw: bytes

    def __post_init__(self) -> None:
        _check_length(self.raw, "public")

    def __str__(self) -> str:
        return base64.b64encode(self.raw).decode()

    def __repr__(self) -> str:
        return f"PublicKey('{self}')"

    @classmethod
    def from_ed25519(cls, raw: bytes) -> "PublicKey":
        """Return the X25519 key of an Ed25519 one, as OpenSSH has them.

        The Montgomery coordinate of the same point: u = (1 + y) / (1 - y), as in RFC 7748, section 4.1.
        """
        _check_length(raw, "public")
        height = int.from_bytes(raw, "little") % _SIGN
        if height == 1:
            raise InvalidKeyError("the Ed25519 public key is the neutral element, which nobody can have")
        across = (1 + height) * pow(1 - height, -1, _PRIME) % _PRIME
        return cls(across.to_bytes(KEY_LENGTH, "little"))


@dataclass(frozen=True)
class SecretKey:
    """What opens files: 32 bytes of X25519, which no representation shows.

    Parameters
    ----------
    raw
        The bytes.

    Raises
    ------
    InvalidKeyError
        When they are not 32.

    Examples
    --------
    >>> SecretKey(bytes(range(32)))
    SecretKey(public='j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=')
    """

    raw: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check_length(self.raw, "secret")

    def __repr__(self) -> str:
        return f"SecretKey(public='{self.public}')"

    def __getstate__(self) -> dict[str, object]:
        return {"raw": self.raw}

    @classmethod
    def from_ed25519(cls, seed: bytes) -> "SecretKey":
        """Return the X25519 key of an Ed25519 one, as OpenSSH has them: the scalar that RFC 8032 derives of it."""
        scalar = bytearray(hashlib.sha512(seed).digest()[:KEY_LENGTH])
        scalar[0] &= 0b1111_1000
        scalar[-1] = scalar[-1] & 0b0111_1111 | 0b0100_0000
        return cls(bytes(scalar))

    @cached_property
    def public(self) -> PublicKey:
        """What others encrypt for."""
        return PublicKey(self._private.public_key().public_bytes_raw())

    def shared_with(self, other: PublicKey, *, reader: PublicKey, writer: PublicKey) -> bytes | None:
        """Return the key that a writer and a reader share, as libsodium's key exchange has it; `None` of a bad point.

        Parameters
        ----------
        other
            The public key of whoever is not the owner of this one.
        reader, writer
            Which of the two reads, and which writes.
        """
        exchange = primitive("asymmetric.x25519")
        try:
            point = self._private.exchange(exchange.X25519PublicKey.from_public_bytes(other.raw))
        except ValueError:  # a point of small order, with which every secret comes to nought
            return None
        return hashlib.blake2b(point + reader.raw + writer.raw).digest()[:KEY_LENGTH]

    @cached_property
    def _private(self) -> Any:  # noqa: ANN401 - of a library that loads on first use
        return primitive("asymmetric.x25519").X25519PrivateKey.from_private_bytes(self.raw)


def generate_key() -> SecretKey:
    """Return a new secret key, of the random numbers of the operating system."""
    return SecretKey(os.urandom(KEY_LENGTH))


def primitive(module: str) -> Any:  # noqa: ANN401 - a module
    """Return a module of the library that computes, such as `"ciphers.aead"`.

    Raises
    ------
    MissingDependencyError
        When it is not installed.
    """
    name = f"cryptography.hazmat.primitives.{module}"
    return require(name, extra="encryption", purpose="encryption with crypt4gh")


def _check_length(raw: bytes, kind: str) -> None:
    if len(raw) != KEY_LENGTH:
        message = f"a {kind} key has {KEY_LENGTH} bytes, not {len(raw)}"
        raise InvalidKeyError(message)
