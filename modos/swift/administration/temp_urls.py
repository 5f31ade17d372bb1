"""Signed addresses to hand out, and the keys that they are signed with: set, read, rotated, removed.

Owns the life of the keys of a container or an account. Knows nothing of how a signature is made.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from typing import Any, Literal

from modos._given import expect
from modos.errors import InvalidInputError, InvalidPathError
from modos.swift.administration.accounts import Account, container_name
from modos.swift.filesystem import SwiftFileSystem
from modos.swift.protocol import split_path
from modos.swift.signing import SignedPrefix, Signer

__all__ = ["TempURLKeys", "TempURLs"]

_RANDOM_BYTES = 32

type Method = Literal["GET", "HEAD", "PUT", "POST", "DELETE"]


@dataclass(frozen=True, slots=True)
class TempURLKeys:
    """The keys of a container or an account; both are valid, and neither is shown by `repr`.

    Attributes
    ----------
    key
        The one that is used for signing; `None` where there is none.
    key_2
        The one from before, as long as addresses that it signed are to work; `None` where there is none.
    """

    key: str | None = field(default=None, repr=False)
    key_2: str | None = field(default=None, repr=False)


class TempURLs:
    """Signed addresses of one account: whoever holds one can do one thing, without credentials, until it ends.

    An address cannot be taken back on its own: it ends with its time, or with its key. Constructing this asks nothing and
    reads no environment.

    Parameters
    ----------
    filesystem
        The filesystem whose account it is, of blocking code; `None` to make one of the options.
    **options
        What `SwiftFileSystem` takes; without any, credentials come from the environment.

    Examples
    --------
    >>> TempURLs(storage_url="https://swift.example.org/v1/AUTH_lab", token="secret")
    TempURLs(SwiftFileSystem('https://swift.example.org/v1/AUTH_lab'))
    """

    def __init__(self, filesystem: SwiftFileSystem | None = None, **options: Any) -> None:  # noqa: ANN401 - the filesystem checks them
        self._account = Account(filesystem, options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._account!r})"

    def keys(self, container: str | None = None) -> TempURLKeys:
        """Return the keys of a container; those of the account for `None`. Only owners of the account are told."""
        path = "" if container is None else container_name(container)
        headers = self._account.ask("HEAD", path).headers
        return _told(headers, container)

    def set(self, keys: TempURLKeys, container: str | None = None) -> None:
        """Make these the keys of a container; of the account for `None`. Addresses that others signed end at once.

        Parameters
        ----------
        keys
            `TempURLKeys()` for none.
        container
            `None` for the account, whose keys are good for every container.

        Raises
        ------
        InvalidInputError
            A key that cannot be sent, or the same twice.
        """
        path = "" if container is None else container_name(container)
        self._account.ask("POST", path, headers=_key_headers(keys, container))

    def rotate(self, container: str | None = None, *, key: str | None = None) -> TempURLKeys:
        """Give a container a new key and keep the present one as its second, so that addresses it signed still work.

        Those that the second key had signed end. Two requests; who rotates in between is overruled.

        Parameters
        ----------
        container
            `None` for the account.
        key
            The new key; `None` for a random one.

        Returns
        -------
        TempURLKeys
            The keys from now on.
        """
        keys = TempURLKeys(key or secrets.token_urlsafe(_RANDOM_BYTES), self.keys(container).key)
        self.set(keys, container)
        return keys

    def sign(
        self,
        path: str,
        *,
        expires_in: float | timedelta,
        method: Method = "GET",
        ip_range: str | None = None,
        key: str | None = None,
    ) -> str:
        """Return an address that lets its holder do one thing with one object.

        Parameters
        ----------
        path
            `container/object` or `swift://container/object`; it need not be there.
        expires_in
            Seconds from now, or a time-span.
        method
            What can be done; `GET` and `PUT` allow `HEAD` too.
        ip_range
            Address or network (CIDR) from which alone it works, as the service sees the holder; `None` for anywhere.
        key
            The key; `None` to ask the container, then the account, for theirs.

        Raises
        ------
        InvalidInputError
            There is no key, the time is over already, or the service signs nothing like this.
        """
        checked, seconds = _checked(path), _seconds(expires_in)
        if not split_path(checked)[1]:
            raise InvalidPathError(path, "names a container and no object in it; sign it as a prefix")
        signed: str = self._account.filesystem.run(
            self._signer(key).sign, checked, expires_in=seconds, method=method, ip_range=ip_range
        )
        return signed

    def sign_prefix(
        self,
        path: str,
        *,
        expires_in: float | timedelta,
        method: Method = "GET",
        ip_range: str | None = None,
        key: str | None = None,
    ) -> SignedPrefix:
        """Return what lets its holder do one thing with every object beneath a prefix; it allows no listing.

        Parameters
        ----------
        path
            `container/prefix`, or `container` for all of it.
        expires_in, method, ip_range, key
            As for `sign`.

        Raises
        ------
        InvalidInputError
            As for `sign`.
        """
        signed: SignedPrefix = self._account.filesystem.run(
            self._signer(key).sign_prefix,
            _checked(path),
            expires_in=_seconds(expires_in),
            method=method,
            ip_range=ip_range,
        )
        return signed

    def _signer(self, key: str | None) -> Signer:
        return Signer(self._account.filesystem.client, key)


def _checked(path: str) -> str:
    container, _, rest = path.removeprefix("swift://").partition("/")
    return f"{container_name(container)}/{rest}" if rest else container_name(container)


def _seconds(expires_in: float | timedelta) -> int:
    expect(expires_in, (int, float, timedelta), "how long an address is good for is told by seconds, or by a time-span")
    seconds = expires_in.total_seconds() if isinstance(expires_in, timedelta) else expires_in
    if not 1 <= seconds < inf:
        message = f"an address that ends after {seconds:g} seconds is of no use"
        raise InvalidInputError(message)
    return round(seconds)


def _names(container: str | None) -> tuple[str, str]:
    kind = "Account" if container is None else "Container"
    return f"X-{kind}-Meta-Temp-URL-Key", f"X-{kind}-Meta-Temp-URL-Key-2"


def _told(headers: Mapping[str, str], container: str | None) -> TempURLKeys:
    told = {name.lower(): value for name, value in headers.items()}
    return TempURLKeys(*(told.get(name.lower()) or None for name in _names(container)))


def _key_headers(keys: TempURLKeys, container: str | None) -> dict[str, str]:
    if keys.key is not None and keys.key == keys.key_2:
        message = "the two keys are the same"
        raise InvalidInputError(message)
    for key in (keys.key, keys.key_2):
        if key is not None and not (key and key.isascii() and key.isprintable() and key == key.strip()):
            message = "a key must be of printable ASCII characters, without a space at either end"
            raise InvalidInputError(message)
    return dict(zip(_names(container), (keys.key or "", keys.key_2 or ""), strict=True))
