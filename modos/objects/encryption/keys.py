"""The secret keys that an object's files are opened with: those that were given, else those of the environment.

Owns which keys are at hand, and what is told when there are none. Must not know files.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from modos.encryption import KEY_VARIABLES, Passphrase, PublicKey, SecretKey, find_keys, public_key_of, secret_key_of
from modos.errors import WrongKeyError

__all__ = ["GivenKey", "GivenReader", "KeyRing", "public_keys_of"]

type GivenKey = SecretKey | str | os.PathLike[str]
"""A secret key, or the path of its file."""

type GivenReader = PublicKey | str | os.PathLike[str]
"""A public key, its text, or the path of its file."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """What files are opened with.

    Attributes
    ----------
    keys
        Keys to try; without any, those of the environment.
    sender
        Who must have written the files; `None`: anyone may have.
    """

    keys: tuple[SecretKey, ...] = ()
    sender: PublicKey | None = None

    @classmethod
    def of(
        cls, keys: Iterable[GivenKey], *, sender: GivenReader | None = None, passphrase: Passphrase | None = None
    ) -> Self:
        """Return the keys that somebody gives, files read.

        Raises
        ------
        InvalidKeyError
            When one cannot be used.
        """
        found = tuple(secret_key_of(key, passphrase=passphrase) for key in keys)
        return cls(found, None if sender is None else public_key_of(sender))

    def settled(self, url: str) -> Self:
        """Return the same keys, or those of the environment, which is not asked again then.

        Parameters
        ----------
        url
            The file that is to be opened, or the first of several, for the error.

        Raises
        ------
        WrongKeyError
            When none is at hand.
        """
        return type(self)(self.for_file(url), self.sender)

    def for_file(self, url: str) -> tuple[SecretKey, ...]:
        """Return the keys to open a file with.

        Raises
        ------
        WrongKeyError
            When none is at hand; says where one may come from.
        """
        keys = self.keys or tuple(find_keys(os.environ))
        if not keys:
            names = ", ".join(name for name in KEY_VARIABLES if name != "C4GH_PASSPHRASE")
            message = f"is encrypted, and no secret key is at hand: give one to unlock, or set one of {names}"
            raise WrongKeyError(message, file=url)
        return keys


def public_keys_of(given: GivenReader | Iterable[GivenReader]) -> tuple[PublicKey, ...]:
    """Return the public keys that somebody gives, one or several.

    Raises
    ------
    InvalidKeyError
        When one is none.
    """
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return tuple(public_key_of(each) for each in several)
