"""Who may do what with a container, and which web pages: access lists and CORS as values, and their headers.

Owns what `X-Container-Read`, `X-Container-Write` and the CORS headers say, as pure functions. Knows no client and makes no
request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from modos.errors import InvalidInputError

__all__ = ["Acl", "Cors"]

EVERYONE = "*"
_LISTING = ".rlistings"
_REFERRER = frozenset({".r", ".ref", ".referer", ".referrer"})
_CORS = "x-container-meta-access-control-"
_ORIGIN, _EXPOSED, _MAX_AGE = f"{_CORS}allow-origin", f"{_CORS}expose-headers", f"{_CORS}max-age"


@dataclass(frozen=True, slots=True)
class Acl:
    """Who may read a container, or write to it, beside the owners of the account.

    Parameters
    ----------
    grants
        Accounts and users, such as `account:user`, `account`, or `project_id:user_id` and `*:user_id` with Keystone.
    referrers
        For reading: hosts of web pages that link to the objects, in the order in which they are tried. `*` is everyone,
        `.example.org` a domain, and one that begins with `-` is excluded. A referrer is only what a browser claims.
    listing
        For reading: whether those let in by `referrers` may list the container, and not only read objects that they can name.

    Raises
    ------
    InvalidInputError
        An entry that Swift would refuse, or take for another.

    Examples
    --------
    >>> Acl.parse(".r:*, .r:-.example.org, .rlistings, lab:me")
    Acl(grants=('lab:me',), referrers=('*', '-.example.org'), listing=True)
    >>> str(Acl(grants=("lab:me",), referrers=("*",), listing=True))
    '.r:*,.rlistings,lab:me'
    """

    grants: tuple[str, ...] = ()
    referrers: tuple[str, ...] = ()
    listing: bool = False

    def __post_init__(self) -> None:
        for name in ("grants", "referrers"):
            given = getattr(self, name)
            if isinstance(given, str):
                message = f"{name} are several: give ({given!r},)"
                raise InvalidInputError(message)
            object.__setattr__(self, name, tuple(given))
        for grant in self.grants:
            _check(grant, allowed=not grant.startswith("."))
        for referrer in self.referrers:
            host = referrer.removeprefix("-")
            _check(referrer, allowed=host not in {"", "."} and not (host != EVERYONE and host.startswith(EVERYONE)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a header says, in any of the spellings that Swift takes.

        Raises
        ------
        InvalidInputError
            An entry that Swift would refuse.
        """
        grants: list[str] = []
        referrers: list[str] = []
        listing = False
        for entry in filter(None, map(str.strip, text.split(","))):
            kind, colon, host = (part.strip() for part in entry.partition(":"))
            if entry == _LISTING:
                listing = True
            elif kind in _REFERRER and colon:
                referrers.append(_host(host))
            else:
                grants.append(entry)
        return cls(tuple(grants), tuple(referrers), listing)

    def __str__(self) -> str:
        entries = (*(f".r:{host}" for host in self.referrers), *([_LISTING] if self.listing else []), *self.grants)
        return ",".join(entries)

    @property
    def is_public(self) -> bool:
        """Whether everyone may read what they can name."""
        return EVERYONE in self.referrers

    def opened(self, *, listing: bool = True) -> "Acl":
        """Return the same, and everyone may read; hosts that are excluded, and accounts that are named, stay so.

        Parameters
        ----------
        listing
            Whether everyone may list as well.
        """
        others = (host for host in self.referrers if host != EVERYONE)
        return Acl(self.grants, (EVERYONE, *others), listing)

    def closed(self) -> "Acl":
        """Return the same for the accounts and users that it names, and nobody else."""
        return Acl(self.grants)


def _host(text: str) -> str:
    """Return a referrer as Swift keeps it: `*.example.org` and `.example.org` are the same."""
    minus = "-" if text.startswith("-") else ""
    host = text.removeprefix("-").strip()
    return minus + (host if host == EVERYONE else host.removeprefix(EVERYONE).strip())


def _check(entry: str, *, allowed: bool) -> None:
    if not allowed or not entry.strip() or entry != entry.strip() or "," in entry or not entry.isprintable():
        message = (
            f"{entry!r} is no entry of an access list; there are account:user, .r:host, .r:-host, .r:* and .rlistings"
        )
        raise InvalidInputError(message)


@dataclass(frozen=True, slots=True)
class Cors:
    """Which web pages may read a container from a browser (cross-origin resource sharing).

    Parameters
    ----------
    allow_origin
        Origins such as `https://viewer.example.org`; `*` for any.
    expose_headers
        Headers of answers that the pages may see beside the usual ones.
    max_age
        Seconds for which a browser may remember the permission; `None` for its own choice.

    Raises
    ------
    InvalidInputError
        An origin or header with a space, or a negative age.

    Examples
    --------
    >>> Cors(("https://viewer.example.org",), max_age=3600)
    Cors(allow_origin=('https://viewer.example.org',), expose_headers=(), max_age=3600)
    """

    allow_origin: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int | None = None

    def __post_init__(self) -> None:
        for name in ("allow_origin", "expose_headers"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))
            for value in getattr(self, name):
                if not value or not value.isprintable() or " " in value:
                    message = f"{value!r} cannot stand in a CORS header: it has a space in it, or nothing"
                    raise InvalidInputError(message)
        if self.max_age is not None and self.max_age < 0:
            message = f"{self.max_age} seconds cannot be a max_age"
            raise InvalidInputError(message)


def read_acl(headers: Mapping[str, str]) -> Acl:
    """Return who may read; nobody where the service does not tell us."""
    return Acl.parse(_lowered(headers).get("x-container-read", ""))


def write_acl(headers: Mapping[str, str]) -> Acl:
    """Return who may write; nobody where the service does not tell us."""
    return Acl.parse(_lowered(headers).get("x-container-write", ""))


def acl_headers(*, read: Acl | str | None = None, write: Acl | str | None = None) -> dict[str, str]:
    """Return the headers that set access lists; `None` leaves one as it is.

    Raises
    ------
    InvalidInputError
        A list that Swift would refuse: only accounts and users may write.
    """
    lists = {
        name: Acl.parse(given) if isinstance(given, str) else given
        for name, given in (("Read", read), ("Write", write))
        if given is not None
    }
    if "Write" in lists and lists["Write"] != lists["Write"].closed():
        message = (
            "only accounts and users may be allowed to write: everyone and referrers (.r:, .rlistings) can only read"
        )
        raise InvalidInputError(message)
    return {f"X-Container-{name}": str(acl) for name, acl in lists.items()}


def cors_of(headers: Mapping[str, str]) -> Cors:
    """Return what the headers of a container say of CORS."""
    told = _lowered(headers)
    age = told.get(_MAX_AGE, "")
    return Cors(
        tuple(told.get(_ORIGIN, "").split()), tuple(told.get(_EXPOSED, "").split()), int(age) if age.isdigit() else None
    )


def cors_headers(cors: Cors) -> dict[str, str]:
    """Return the headers that make CORS exactly this; an empty one removes what was there.

    Examples
    --------
    >>> cors_headers(Cors(("*",)))["X-Container-Meta-Access-Control-Allow-Origin"]
    '*'
    """
    age = "" if cors.max_age is None else str(cors.max_age)
    told = {_ORIGIN: " ".join(cors.allow_origin), _EXPOSED: " ".join(cors.expose_headers), _MAX_AGE: age}
    return {name.title(): value for name, value in told.items()}


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
