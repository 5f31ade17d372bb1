"""What logging in gives, how long it is good for, and when it is to be renewed.

Owns the reading of expiry and the rule for renewal, as pure functions of a clock. Knows neither how a token is acquired nor
who waits for it.
"""

import math
import shlex
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from modos.errors import InvalidInputError

__all__ = ["Access", "Lifetime", "expiry_after"]

_SHARE, _LONGEST = 0.1, 300.0


@dataclass(frozen=True, slots=True)
class Access:
    """What logging in gives: where the account is, and the token for it.

    Attributes
    ----------
    storage_url
        The account, `https://host/v1/ACCOUNT`.
    token
        `None` for nobody.
    expires_at
        When the token ends, in UTC; `None` where the service does not say.

    Examples
    --------
    >>> Access("https://swift.example.org/v1/AUTH_lab", "secret")
    Access(storage_url='https://swift.example.org/v1/AUTH_lab', expires_at=None)
    """

    storage_url: str
    token: str | None = field(repr=False)
    expires_at: datetime | None = None

    def as_environment(self) -> str:
        """Return the lines by which a shell hands this access on to the programs that it starts; they hold the token.

        Raises
        ------
        InvalidInputError
            There is no token.

        Examples
        --------
        >>> print(Access("https://swift.example.org/v1/AUTH_lab", "secret").as_environment())
        export OS_STORAGE_URL=https://swift.example.org/v1/AUTH_lab
        export OS_AUTH_TOKEN=secret
        """
        if self.token is None:
            message = "there is no token to hand on: nobody has logged in"
            raise InvalidInputError(message)
        return f"export OS_STORAGE_URL={shlex.quote(self.storage_url)}\nexport OS_AUTH_TOKEN={shlex.quote(self.token)}"


def expiry_after(begun: datetime, seconds: str | None) -> datetime | None:
    """Return when a token ends, of which a login that began then was told how many seconds it has; `None` for no number.

    Examples
    --------
    >>> expiry_after(datetime.fromisoformat("2026-01-01T00:00:00Z"), "3600").isoformat()
    '2026-01-01T01:00:00+00:00'
    """
    try:
        return begun + timedelta(seconds=float(seconds or "none"))
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From when an access is to be renewed and until when it is used, in seconds since 1970.

    Attributes
    ----------
    due
        From here on a new one is acquired, while this one is still used.
    end
        From here on it is not used any more.
    """

    due: float = math.inf
    end: float = math.inf

    @classmethod
    def of(cls, made: Access, *, before: Access | None, now: float) -> Self:
        """Return the lifetime of an access that has just been made.

        It is due in the last tenth of what it has left, at most five minutes before its end. A service that gives the
        same token as before until that ends is asked again only then. One that ended before it was made tells of clocks
        that differ: its end is then not known, and shows when the service refuses it.
        """
        left = made.expires_at.timestamp() - now if made.expires_at is not None else math.inf
        if left <= 0 or left == math.inf:
            return cls()
        same = before is not None and before.token == made.token
        return cls(now + left - (0.0 if same else min(_LONGEST, left * _SHARE)), now + left)

    def unrenewed(self) -> Self:
        """Return the lifetime of an access whose renewal has failed: it is used to its end before the next attempt."""
        return type(self)(self.end, self.end)
