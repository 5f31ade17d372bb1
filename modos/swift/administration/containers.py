"""Containers: created, deleted, described, listed, and opened to the world or closed.

Owns what a container is beside the objects in it. Knows nothing of objects, nor of how an access list is written.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import NoneType
from typing import Any
from urllib.parse import unquote

from modos._given import expect
from modos.errors import InvalidInputError, KeyExistsError, ServiceError
from modos.swift.administration.accounts import Account, container_name
from modos.swift.administration.acls import Acl, Cors, acl_headers, cors_headers, cors_of, read_acl, write_acl
from modos.swift.concurrency import together
from modos.swift.filesystem import SwiftFileSystem
from modos.swift.protocol import metadata_headers

__all__ = ["AccountInfo", "ContainerInfo", "ContainerSummary", "Containers"]

_META = "x-container-meta-"
_RESERVED = ("access-control-", "temp-url-key", "quota-")
_OWN_WORDS = {"access-control-": "set_cors", "temp-url-key": "TempURLs"}
_ACCEPTED, _CONFLICT = 202, 409
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What an account holds.

    Attributes
    ----------
    storage_url
        Its address.
    containers, objects, bytes
        How many, and how much, as the service last counted.
    """

    storage_url: str
    containers: int
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ContainerSummary:
    """What the listing of an account says of a container; counts may lag behind.

    Attributes
    ----------
    name
        Its name.
    objects, bytes
        How many objects it holds, segments of large ones among them, and how large they are together.
    last_modified
        When it was last written to, in UTC; `None` where the service does not say.
    """

    name: str
    objects: int
    bytes: int
    last_modified: datetime | None


@dataclass(frozen=True, slots=True)
class ContainerInfo:
    """What a container is.

    Attributes
    ----------
    name
        Its name.
    objects, bytes
        How many objects it holds, segments of large ones among them, and how large they are together.
    read, write
        Who may, beside the owners of the account; empty for those whom the service does not tell.
    cors
        Which web pages may read it from a browser.
    metadata
        What users noted about it, names in lower case.
    has_temp_url_key
        Whether it has a key of its own for signed addresses; the key is not shown here.
    storage_policy
        Name of the policy by which it is stored; `None` where the service does not say.
    """

    name: str
    objects: int
    bytes: int
    read: Acl
    write: Acl
    cors: Cors
    metadata: Mapping[str, str] = field(hash=False)
    has_temp_url_key: bool
    storage_policy: str | None

    @property
    def is_public(self) -> bool:
        """Whether everyone may read what they can name."""
        return self.read.is_public


class Containers:
    """The containers of one account.

    A container is named `omics` or `swift://omics`. Constructing this asks nothing and reads no environment.

    Parameters
    ----------
    filesystem
        The filesystem whose account it is, of blocking code; `None` to make one of the options.
    **options
        What `SwiftFileSystem` takes; without any, credentials come from the environment.

    Examples
    --------
    >>> containers = Containers(storage_url="https://swift.example.org/v1/AUTH_lab", token="secret")
    >>> containers.url("omics")
    'swift+https://swift.example.org/v1/AUTH_lab/omics'
    """

    def __init__(self, filesystem: SwiftFileSystem | None = None, **options: Any) -> None:  # noqa: ANN401 - the filesystem checks them
        self._account = Account(filesystem, options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._account!r})"

    def url(self, container: str) -> str:
        """Return the whole address of a container, under which anyone can open it who may."""
        return f"swift+{self._account.storage_url}/{container_name(container)}"

    def account(self) -> AccountInfo:
        """Return what the account holds."""
        headers = self._account.ask("HEAD").headers
        counts = [
            int(headers.get(f"X-Account-{name}", 0)) for name in ("Container-Count", "Object-Count", "Bytes-Used")
        ]
        return AccountInfo(self._account.storage_url, *counts)

    def service(self) -> dict[str, Any]:
        """Return what the service says of itself under `/info`: its version, its limits and what it can do.

        Empty where it says nothing; anyone may ask.
        """
        filesystem = self._account.filesystem
        return dict(filesystem.run(filesystem.client.capabilities))

    def list(self, prefix: str = "") -> Iterator[ContainerSummary]:
        """Yield the containers in the order of their names, by one request for every page of the service.

        Parameters
        ----------
        prefix
            Beginning of the names; empty for all.
        """
        filesystem, start_after, more = self._account.filesystem, "", True
        while more:
            page, more = filesystem.run(filesystem.lister.page, "", prefix=prefix, start_after=start_after)
            yield from map(_summary, page)
            start_after = page[-1]["name"] if page else start_after

    def describe(self, prefix: str = "") -> tuple[ContainerInfo, ...]:
        """Return everything about each container: one request for each, a few at a time.

        Parameters
        ----------
        prefix
            Beginning of the names; empty for all.
        """
        names = [each.name for each in self.list(prefix)]
        filesystem = self._account.filesystem
        asked = (partial(filesystem.client.request, "HEAD", name) for name in names)
        answers = filesystem.run(together, asked, limit=_AT_ONCE)
        return tuple(container_info(name, answer.headers) for name, answer in zip(names, answers, strict=True))

    def stat(self, container: str) -> ContainerInfo:
        """Return everything about a container.

        Raises
        ------
        KeyNotFoundError
            There is no such container.
        """
        name = container_name(container)
        return container_info(name, self._account.ask("HEAD", name).headers)

    def create(self, container: str, *, exist_ok: bool = False) -> None:
        """Create a container that only the owners of the account can use.

        Parameters
        ----------
        container
            Its name.
        exist_ok
            Whether one that is there is left as it is.

        Raises
        ------
        KeyExistsError
            There is one.
        """
        name = container_name(container)
        if self._account.ask("PUT", name).status == _ACCEPTED and not exist_ok:
            raise KeyExistsError(self._address(name), "there is such a container already", status=_ACCEPTED)

    def delete(self, container: str) -> None:
        """Delete an empty container.

        Raises
        ------
        ServiceError
            It is not empty; the status is 409.
        KeyNotFoundError
            There is no such container.
        """
        name = container_name(container)
        filesystem = self._account.filesystem
        try:
            filesystem.run(filesystem.client.delete, name)
        except ServiceError as error:
            if error.status != _CONFLICT:
                raise
            visible, _ = filesystem.run(filesystem.lister.page, name, limit=1)
            held = "objects" if visible else "segments of large objects, which listings hide; look for orphans"
            reason = f"it is not empty, and so was not deleted: there are {held} in it"
            raise ServiceError(self._address(name), reason, status=_CONFLICT) from error

    def is_public(self, container: str) -> bool:
        """Return whether everyone may read what they can name; only owners of the account are told."""
        return self.stat(container).is_public

    def make_public(self, container: str, *, listing: bool = True) -> Acl:
        """Let everyone read a container, and return who may read now; accounts that may already still may.

        Two requests; who changes the list in between is overruled.

        Parameters
        ----------
        container
            Its name.
        listing
            Whether everyone may list it too; otherwise only what can be named can be read.
        """
        return self._reading(container, partial(Acl.opened, listing=listing))

    def make_private(self, container: str) -> Acl:
        """Let only the owners, and the accounts that are named, read a container; return who may read now.

        Two requests; who changes the list in between is overruled. Signed addresses stay valid: see `TempURLs`.
        """
        return self._reading(container, Acl.closed)

    def set_access(self, container: str, *, read: Acl | str | None = None, write: Acl | str | None = None) -> None:
        """Say who may read a container and who may write to it, beside the owners of the account.

        Parameters
        ----------
        container
            Its name.
        read, write
            As values or as Swift writes them; `None` to leave what is there, `Acl()` for nobody.

        Raises
        ------
        InvalidInputError
            A list that Swift would refuse.
        """
        self._post(container, acl_headers(read=read, write=write))

    def set_cors(self, container: str, cors: Cors) -> None:
        """Say which web pages may read a container from a browser; `Cors()` for none."""
        self._post(container, cors_headers(cors))

    def set_metadata(self, container: str, metadata: Mapping[str, str | None]) -> None:
        """Note something about a container; what is not named stays.

        Parameters
        ----------
        container
            Its name.
        metadata
            Names, which are case-insensitive, and values; `None` for a value removes the note.

        Raises
        ------
        InvalidInputError
            A name by which Swift means something else.
        """
        self._post(container, note_headers(metadata))

    def _reading(self, container: str, change: Callable[[Acl], Acl]) -> Acl:
        acl = change(self.stat(container).read)
        self.set_access(container, read=acl)
        return acl

    def _post(self, container: str, headers: Mapping[str, str]) -> None:
        self._account.ask("POST", container_name(container), headers=headers)

    def _address(self, name: str) -> str:
        return f"{self._account.storage_url}/{name}"


def container_info(name: str, headers: Mapping[str, str]) -> ContainerInfo:
    """Return what the headers of a container say; a key for signed addresses is not among it."""
    told = {header.lower(): value for header, value in headers.items()}
    return ContainerInfo(
        name=name,
        objects=int(told.get("x-container-object-count", 0)),
        bytes=int(told.get("x-container-bytes-used", 0)),
        read=read_acl(told),
        write=write_acl(told),
        cors=cors_of(told),
        metadata={
            unquote(header.removeprefix(_META)): unquote(value)
            for header, value in told.items()
            if header.startswith(_META) and not header.startswith(tuple(_META + each for each in _RESERVED))
        },
        has_temp_url_key=any(header.startswith(f"{_META}temp-url-key") for header in told),
        storage_policy=told.get("x-storage-policy"),
    )


def note_headers(metadata: Mapping[str, str | None]) -> dict[str, str]:
    """Return the headers that set and remove notes about a container.

    Examples
    --------
    >>> note_headers({"lab": "Genève", "old": None})
    {'X-Container-Meta-lab': 'Gen%C3%A8ve', 'X-Container-Meta-old': ''}
    """
    for name, value in metadata.items():
        expect(value, (str, NoneType), f"the note {name!r} is told by text")
        if reserved := next((each for each in _RESERVED if name.lower().startswith(each)), None):
            hint = f"; use {_OWN_WORDS[reserved]}" if reserved in _OWN_WORDS else ""
            message = f"{name!r} is no name for a note: the service takes it for an order{hint}"
            raise InvalidInputError(message)
    given = metadata_headers({name: value or "" for name, value in metadata.items()})
    return {f"X-Container-Meta-{header.removeprefix('X-Object-Meta-')}": value for header, value in given.items()}


def _summary(entry: Mapping[str, Any]) -> ContainerSummary:
    modified = entry.get("last_modified")
    when = datetime.fromisoformat(modified).replace(tzinfo=UTC) if modified else None
    return ContainerSummary(entry["name"], int(entry["count"]), int(entry["bytes"]), when)
