"""Trying what a storage can do, one ability at a time, in a directory that nothing else is in.

Owns what counts as proof. Knows the contract's verbs and no backend; what a proof leaves behind, the caller removes.
"""

import hashlib
import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from modos.errors import InvalidInputError, KeyChangedError, KeyExistsError, ServiceError, StorageError
from modos.storage.base import Method, Storage
from modos.storage.doctor.facts import Ability, Fact, yes_or_no
from modos.storage.doctor.services import service_of
from modos.storage.paths import LONGEST_NAME

__all__ = ["PROOFS", "UNSEEN", "write_first"]

FIRST = "first.txt"
BODY = b"0123456789"
_WRITERS = 8
_PATIENCE = 5.0
_SIGNED_FOR = 120
_ANSWER_IN = 30.0
_LONG = 9 * 2**20
_PART = 2**20
_PARTIAL_CONTENT, _CREATED = 206, 201


def write_first(scratch: Storage) -> Fact:
    """Write the file that the proofs read."""
    began = time.perf_counter()
    scratch.put(BODY, FIRST)
    return Fact("yes", "tried", f"{1000 * (time.perf_counter() - began):.0f} ms for a small file")


def _ranges(scratch: Storage) -> Fact:
    pieces = [scratch.read(FIRST, 2, 5), scratch.read(FIRST, 8, 99), *scratch.read_ranges(FIRST, [(0, 1), (9, 10)])]
    return _tried(pieces == [b"234", b"89", b"0", b"9"])


def _multi_ranges(scratch: Storage) -> Fact:
    ask = service_of(scratch).several_ranges
    if ask is not None:
        return _tried(ask(scratch, FIRST))
    try:
        address = scratch.sign(FIRST, expires_in=_SIGNED_FOR)
    except (ServiceError, InvalidInputError):
        return Fact("no", detail="not by this library")
    status, headers, _ = _ask("GET", address, headers={"Range": "bytes=0-1,4-5"})
    several = headers.get("content-type", "").startswith("multipart/byteranges")
    return _tried(status == _PARTIAL_CONTENT and several)


def _create_only(scratch: Storage) -> Fact:
    def created(_: int) -> bool:
        try:
            scratch.put(BODY, "raced.txt", mode="create")
        except KeyExistsError:
            return False
        return True

    if _created_again(scratch):
        return Fact("no", "tried", "the second write replaced the first")
    with ThreadPoolExecutor(_WRITERS) as pool:
        winners = sum(pool.map(created, range(_WRITERS)))
    return Fact("yes", "tried", f"of {_WRITERS} at once, {winners} got in" + (": no lock" if winners > 1 else ""))


def _created_again(scratch: Storage) -> bool:
    """Tell whether a file that is there could be created once more."""
    try:
        scratch.put(b"other", FIRST, mode="create")
    except KeyExistsError:
        return scratch.read(FIRST) != BODY
    return True


def _conditional_update(scratch: Storage) -> Fact:
    before = scratch.put(BODY, "changed.txt")
    try:
        scratch.put(b"changed", "changed.txt", if_match=before.etag or "")
        scratch.put(b"too late", "changed.txt", if_match=before.etag or "")
    except KeyChangedError:
        return _tried(scratch.read("changed.txt") == b"changed")
    except ServiceError as error:
        return Fact("no", "tried", error.reason)
    return Fact("no", "tried", "the ETag was ignored")


def _long_uploads(scratch: Storage) -> Fact:
    name = "long.bin"
    filesystem = getattr(scratch, "filesystem", None)
    if hasattr(filesystem, "segments"):  # Swift, whose usual segments would take long
        assert filesystem is not None
        cutting = type(filesystem)(**{**filesystem.storage_options, "segment_size": _PART}, skip_instance_cache=True)
        with cutting.open(str(scratch.path / name), "wb") as file:
            for chunk in _chunks():
                file.write(chunk)
    else:
        scratch.put(_chunks(), name)
    digest = hashlib.blake2b()
    for start in range(0, _LONG, 4 * _PART):
        digest.update(scratch.read(name, start, start + 4 * _PART))
    expected = hashlib.blake2b()
    for chunk in _chunks():
        expected.update(chunk)
    parts = "its ETag is of its parts" if scratch.stat(FIRST).md5 and not scratch.stat(name).md5 else ""
    return Fact(yes_or_no(digest.digest() == expected.digest()), "tried", parts)


def _chunks() -> Iterator[bytes]:
    return (bytes([number]) * _PART for number in range(_LONG // _PART))


def _server_copy(scratch: Storage) -> Fact:
    scratch.copy(FIRST, "copied.txt")
    return _tried(scratch.read("copied.txt") == BODY)


def _sign(method: Method) -> Callable[[Storage], Fact]:
    def proof(scratch: Storage) -> Fact:
        name = FIRST if method == "GET" else "signed.txt"
        try:
            address = scratch.sign(name, expires_in=_SIGNED_FOR, method=method)
        except (ServiceError, InvalidInputError) as error:
            return Fact("no", "tried", error.reason)
        status, _, body = _ask(method, address, **_BODIES[method])
        right = body == BODY if method == "GET" else scratch.exists(name) and scratch.read(name) == BODY
        return Fact(yes_or_no(right), "tried", "" if right else f"the signed address was answered with {status}")

    return proof


_BODIES: Mapping[Method, Mapping[str, Any]] = {
    "GET": {},
    "PUT": {"body": BODY, "headers": {"x-ms-blob-type": "BlockBlob"}},  # Azure asks for it, others do not mind
}


def _content_type(scratch: Storage) -> Fact:
    scratch.put(BODY, "typed", content_type="application/x-modos-doctor")
    return _tried(scratch.stat("typed").content_type == "application/x-modos-doctor")


def _metadata(scratch: Storage) -> Fact:
    scratch.put(BODY, "described.txt", metadata={"doctor": "visits"})
    kept = {name.lower(): value for name, value in scratch.stat("described.txt").metadata.items()}
    return _tried(kept.get("doctor") == "visits")


def _md5(scratch: Storage) -> Fact:
    return _tried(scratch.stat(FIRST).md5 == hashlib.md5(BODY, usedforsecurity=False).hexdigest())


def _consistent_listing(scratch: Storage) -> Fact:
    beneath = scratch / "listed"
    waits = []
    for act, expected in ((lambda: beneath.put(BODY, "x"), ["x"]), (lambda: beneath.remove("x"), [])):
        act()
        began = time.perf_counter()
        while (found := [str(path) for path in beneath.list()]) != expected and time.perf_counter() - began < _PATIENCE:
            time.sleep(0.1)
        if found != expected:
            return Fact("no", "tried", f"not after {_PATIENCE:.0f} s")
        waits.append(time.perf_counter() - began)
    late = max(waits) > 1
    return Fact(yes_or_no(not late), "tried", f"after {max(waits):.1f} s" if late else "at once")


def _long_names(scratch: Storage) -> Fact:
    used = len("/".join(scratch.path.parts[1:]).encode()) + 1
    name = "/".join(["n" * 199] * (LONGEST_NAME // 200 + 1))[: LONGEST_NAME - used].rstrip("/")
    scratch.put(BODY, name)
    return Fact(yes_or_no(scratch.read(name) == BODY), "tried", f"{used + len(name):,} bytes")


PROOFS: Mapping[Ability, Callable[[Storage], Fact]] = MappingProxyType(
    {
        "ranges": _ranges,
        "multi_ranges": _multi_ranges,
        "create_only": _create_only,
        "conditional_update": _conditional_update,
        "long_uploads": _long_uploads,
        "server_copy": _server_copy,
        "sign_get": _sign("GET"),
        "sign_put": _sign("PUT"),
        "content_type": _content_type,
        "metadata": _metadata,
        "md5": _md5,
        "consistent_listing": _consistent_listing,
        "long_names": _long_names,
    }
)
"""Ability to what tries it, in a directory where `write_first` has written."""

UNSEEN: frozenset[Ability] = frozenset({"long_uploads", "server_copy"})
"""Abilities whose proof shows that it works and not how: it can refute what is known, and confirm it, and no more."""


def _tried(truth: object) -> Fact:
    return Fact(yes_or_no(truth), "tried")


def _ask(
    method: str, address: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """Make one request as whoever holds an address does, without credentials."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_ANSWER_IN)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise StorageError(f"{parts.scheme}://{parts.netloc}{parts.path}", f"no answer: {error}") from error
    finally:
        connection.close()
