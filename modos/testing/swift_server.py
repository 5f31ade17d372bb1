"""`SwiftServer`: a real OpenStack Swift for tests, without Docker, root or anything left behind.

Owns its users, addresses and tokens. Must not know how Swift is configured, which is the business of the process, nor
anything of the clients.
"""

import http.client
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from modos._lazy import require
from modos.errors import AuthenticationError, InvalidInputError
from modos.testing._child import ChildServer

__all__ = ["SwiftServer"]

_PROCESS = Path(__file__).with_name("_swift_process.py")
_ACCOUNTS: Mapping[str, Mapping[str, str]] = MappingProxyType({"test": {"tester": "testing"}})


class SwiftServer(ChildServer):
    """A real OpenStack Swift on this machine, which speaks S3 as well, for as long as a `with` block or a process lasts.

    Proxy, account, container and object server run in one child process over one device in a scratch folder. What was
    written is in the listings at once. Nothing is durable, no daemons run (so the counts in account listings stay
    zero, and expired objects stay in listings), and every user is an administrator of its account.

    Parameters
    ----------
    accounts
        Account to its users, user to its key. `user` and `key` are those of the first.
    token_life
        Seconds that a token is valid.
    settings
        Options over the usual ones, by section of `proxy-server.conf`: `{"filter:slo": {"max_manifest_segments": 5}}`.
        The section `swift-constraints` is that of `swift.conf`. `None` changes nothing.
    scratch
        Folder in which the scratch folder is made. `None` is the system's for temporary files.

    Raises
    ------
    InvalidInputError
        When there is no user, or a name or key that cannot be configured.

    Examples
    --------
    >>> with SwiftServer() as server:  # doctest: +SKIP
    ...     import swiftclient
    ...
    ...     connection = swiftclient.Connection(preauthurl=server.storage_url, preauthtoken=server.token())
    ...     connection.put_container("omics")
    """

    def __init__(
        self,
        *,
        accounts: Mapping[str, Mapping[str, str]] = _ACCOUNTS,
        token_life: float = 86_400,
        settings: Mapping[str, Mapping[str, object]] | None = None,
        scratch: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(_PROCESS, scratch=scratch)
        self._keys = {f"{account}:{user}": key for account, users in accounts.items() for user, key in users.items()}
        _check_users(self._keys)
        self._accounts = {account: dict(users) for account, users in accounts.items()}
        self._token_life = token_life
        self._settings = {section: {**options} for section, options in (settings or {}).items()}

    @property
    def auth_url(self) -> str:
        """Address at which a user and key are changed for a token (Swift's v1 authentication)."""
        return f"{self.url}/auth/v1.0"

    @property
    def s3_endpoint(self) -> str:
        """Address for clients of S3: the access key is `user`, the secret key is `key`, the region `us-east-1`."""
        return self.url

    @property
    def user(self) -> str:
        """The first user, with its account: `test:tester`."""
        return next(iter(self._keys))

    @property
    def key(self) -> str:
        """The key of `user`."""
        return self._keys[self.user]

    @property
    def storage_url(self) -> str:
        """Address of the account of `user`."""
        return f"{self.url}/v1/AUTH_{quote(self.user.partition(':')[0])}"

    def token(self, user: str | None = None) -> str:
        """Return a token that is valid now.

        Parameters
        ----------
        user
            Account and user, such as `"test:tester"`. `None` is the first one.

        Raises
        ------
        AuthenticationError
            When there is no such user.
        """
        user = self.user if user is None else user
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            headers = {"X-Auth-User": user.encode(), "X-Auth-Key": self._keys.get(user, "").encode()}
            connection.request("GET", "/auth/v1.0", headers=headers)
            token = connection.getresponse().getheader("X-Auth-Token")
        finally:
            connection.close()
        if token is None:
            raise AuthenticationError(self.auth_url, f"there is no user {user!r}")
        return token

    def expire_tokens(self) -> None:
        """Make every token that was given out invalid; users log in again for a new one."""
        self._order("expire_tokens")

    def wipe(self) -> None:
        """Remove every container and object of every account, and what was set on the accounts; tokens stay valid.

        Takes a millisecond. Call it while no request is under way: one that is may fail.
        """
        self._order("wipe")

    def _request(self) -> Mapping[str, object]:
        require("swift", extra="swift-server", purpose="a test server for OpenStack Swift")
        return {"accounts": self._accounts, "token_life": self._token_life, "settings": self._settings}


def _check_users(keys: Mapping[str, str]) -> None:
    if not keys:
        message = "a SwiftServer needs at least one account with one user"
        raise InvalidInputError(message)
    for user, key in keys.items():
        if user.count(":") != 1 or not all(user.split(":")) or key.split() != [key]:
            message = f"the user {user!r} cannot be configured: names must have no colon, keys no space"
            raise InvalidInputError(message)
