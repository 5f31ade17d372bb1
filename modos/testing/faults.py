"""What passed a proxy, and what is to go wrong there: `Request` and `Fault`, plain values.

Owns which fault strikes which request, and how a body is spoilt. Must not know connections.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["Fault", "Pattern", "Request"]

type Pattern = str | re.Pattern[str] | None
"""What a path is searched for: text, a regular expression, or `None` for any path."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that came to the proxy, and what became of it.

    Attributes
    ----------
    method, path, query
        What was asked for; the path is decoded, the query is as it was written.
    headers
        Of the request, by name in lower case.
    status
        Of the answer; `None` as long as there is none, and when the connection was broken instead.
    bytes_sent, bytes_received
        Length of the body that the client sent, and of the body that it was given.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    status: int | None = None
    bytes_sent: int = 0
    bytes_received: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, and with which requests.

    Attributes
    ----------
    method
        Which method, in upper case. `None` is any.
    path
        Which paths: those that contain a text, or in which a regular expression is found. `None` is any.
    after
        How many such requests pass before the fault strikes.
    times
        How many requests it strikes then. `None` is all.
    status
        Answer with this status instead of asking the server. `None` leaves the answer to the server.
    headers
        Headers of the answer, instead of those of the same names.
    reset
        Break the connection with a reset (RST) instead of answering.
    hold
        Never answer.
    forward
        Let the server carry the request out although its answer is replaced, reset or held: the answer is lost.
    delay
        Seconds to wait before the request is sent on.
    cut_after
        Close the connection after so many bytes of the answer's body. `None` does not.
    corrupt
        Change the first byte of the answer's body.
    corrupt_request
        Change the first byte of the request's body on its way to the server.

    Examples
    --------
    >>> Fault(method="PUT", path="zarr.json", status=503, headers={"Retry-After": "1"}, times=2).times
    2
    """

    method: str | None = None
    path: Pattern = None
    after: int = 0
    times: int | None = 1
    status: int | None = None
    headers: Mapping[str, str] = _NOTHING
    reset: bool = False
    hold: bool = False
    forward: bool = False
    delay: float = 0.0
    cut_after: int | None = None
    corrupt: bool = False
    corrupt_request: bool = False

    @property
    def replaces_answer(self) -> bool:
        """Whether the client gets something else than the answer of the server."""
        return self.status is not None or self.reset or self.hold

    def spoil(self, body: Iterable[tuple[bytes, bool]]) -> Iterator[tuple[bytes, bool]]:
        """Yield the pieces of a body, each with whether it is content, as the client is to get them."""
        corrupt, left = self.corrupt, self.cut_after
        for piece, is_content in body:
            given = piece
            if is_content and corrupt:
                given, corrupt = spoilt(given), False
            if is_content and left is not None:
                given = given[:left]
                left -= len(given)
            yield given, is_content
            if left == 0 and is_content:
                return

    def is_meant_for(self, request: Request) -> bool:
        """Whether a request has the method and the path."""
        return is_meant(request, self.method, self.path)


NO_FAULT = Fault()


class Plan:
    """The faults that are to come, each with how often it was met; not for several threads at a time."""

    def __init__(self) -> None:
        self._met: dict[int, int] = {}
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Add faults after those that are there."""
        self._faults.extend(faults)

    def clear(self) -> None:
        """Remove every fault."""
        self._faults.clear()
        self._met.clear()

    def next_for(self, request: Request) -> Fault:
        """Return the first fault that is due for a request, and count that it was met; `NO_FAULT` if none is."""
        for place, fault in enumerate(self._faults):
            if fault.is_meant_for(request):
                met = self._met[place] = self._met.get(place, 0) + 1
                if met > fault.after and (fault.times is None or met <= fault.after + fault.times):
                    return fault
        return NO_FAULT


def spoilt(piece: bytes) -> bytes:
    """Return a piece of a body with another first byte."""
    return bytes([piece[0] ^ 0xFF]) + piece[1:]


def is_meant(request: Request, method: str | None, path: Pattern) -> bool:
    """Tell whether a request has a method, and a path in which something is found; `None` is any."""
    found = path is None or (path in request.path if isinstance(path, str) else path.search(request.path) is not None)
    return found and method in (None, request.method)
