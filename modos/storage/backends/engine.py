"""obstore as what moves bytes: heads, reads and writes at a fraction of the processor time of a client in Python.

Owns how obstore's store is asked, and when it may be: its threads do not survive a fork. Knows no service by name.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from modos._lazy import require
from modos.errors import StorageError
from modos.storage.base import Method, WriteMode
from modos.storage.options import Engine

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ObjectStore

__all__ = ["ObstoreEngine", "chosen_engine", "patience"]

_UNBOUND = timedelta(days=1)
_BACKOFF = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=10), "base": 2}
_SLOW = 10
"""How many times longer a long upload may take for an answer than a read: its body travels in that time."""

_LARGE = 2**20
"""Bytes from which on a body is not copied once more."""

_NO_TAG = "ETag Header missing from response"

_runtime_process = 0
"""The process in which obstore's threads were started; a forked one has none and must not ask for them."""


def chosen_engine(wanted: Engine | None) -> Engine:
    """Return what is to move bytes: obstore where it is installed and its threads are alive, else fsspec.

    Parameters
    ----------
    wanted
        The user's choice; `None` for none.
    """
    if wanted == "fsspec" or (wanted is None and (find_spec("obstore") is None or _forked())):
        return "fsspec"
    require("obstore", extra="fast", purpose="moving bytes with obstore")
    return "obstore"


def _forked() -> bool:
    return _runtime_process not in {0, os.getpid()}


def patience(options: Mapping[str, Any], *, timeout: float, attempts: int, uploads: bool = False) -> dict[str, Any]:
    """Return the arguments of any store of obstore for how long and how often it tries.

    Parameters
    ----------
    options
        Those of the service; `timeout` and `attempts` are taken from them.
    timeout, attempts
        What holds without.
    uploads
        Whether it is for bodies that may be under way for longer than an answer may take.
    """
    seconds = float(options.get("timeout") or timeout)
    tries = int(options.get("attempts") or attempts)
    client = {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=seconds),
        "read_timeout": timedelta(seconds=seconds * (_SLOW if uploads else 1)),
        "timeout": _UNBOUND,
        "pool_max_idle_per_host": "64",
    }
    retries = {"max_retries": tries - 1, "retry_timeout": timedelta(seconds=seconds * tries * 2), "backoff": _BACKOFF}
    return {"client_options": client, "retry_config": retries}


class ObstoreEngine:
    """One store of obstore, asked in the terms of this room: keys, fsspec's entries, bytes.

    Parameters
    ----------
    store
        The bucket or container.
    uploads
        The same with the patience that long uploads need; `None` for `store`.
    part_size, concurrency
        Bytes of a part of a long upload, and how many are under way at once.

    Examples
    --------
    >>> from obstore.store import MemoryStore
    >>> engine = ObstoreEngine(MemoryStore())
    >>> _ = engine.write("demo", b"ACGT", mode="overwrite", options={})
    >>> engine.read("demo", 1, 3), engine.head("missing")
    (b'CG', None)
    """

    def __init__(
        self,
        store: "ObjectStore",
        *,
        uploads: "ObjectStore | None" = None,
        part_size: int = 16 * 1024 * 1024,
        concurrency: int = 8,
    ) -> None:
        global _runtime_process  # noqa: PLW0603 - obstore's threads are one for the process, and so is this
        import obstore

        if _forked():
            raise StorageError(str(store), "obstore cannot be used in a process forked from one that has used it")
        _runtime_process = os.getpid()
        self._obstore = obstore
        self.store = store
        self._uploads = uploads or store
        self._part_size = part_size
        self._concurrency = concurrency

    def head(self, key: str) -> dict[str, Any] | None:
        """Return the entry of a file with content type and metadata, `None` when there is none."""
        try:
            return _entry(self._obstore.get(self.store, key, options={"head": True}))
        except FileNotFoundError:
            return None

    def fetch(self, key: str, start: int, end: int | None) -> tuple[bytes | memoryview, dict[str, Any]]:
        """Return bytes as `read` does and the entry of the file, all from one answer; many bytes where obstore has them."""
        options: Any = {"range": (start, end)} if end is not None else {"range": {"offset": start}} if start else {}
        answer = self._obstore.get(self.store, key, options=options)
        entry = _entry(answer)
        body = answer.bytes()
        return body.to_bytes() if end is None or end - start < _LARGE else memoryview(body), entry

    def read(self, key: str, start: int, end: int | None) -> bytes:
        """Return the bytes from `start` to `end`, clipped."""
        if end is not None:
            return self._obstore.get(self.store, key, options={"range": (start, end)}).bytes().to_bytes()
        if start:
            return self._obstore.get(self.store, key, options={"range": {"offset": start}}).bytes().to_bytes()
        return self._obstore.get(self.store, key).bytes().to_bytes()

    def write(
        self, key: str, body: bytes, *, mode: WriteMode, options: Mapping[str, Any], if_match: str | None = None
    ) -> str:
        """Store a body in one request, on the condition that is asked for, and return its ETag."""
        condition: Any = mode if if_match is None else {"e_tag": f'"{if_match}"'}
        attributes = _attributes(options)
        tag: str | None = None
        try:
            tag = self._obstore.put(self.store, key, body, attributes=attributes, mode=condition, use_multipart=False)[
                "e_tag"
            ]
        except self._obstore.exceptions.GenericError as error:
            if _NO_TAG not in str(error):  # Swift stored it, and names no tag where a newer write has won
                raise
        return tag.strip('"') if tag else hashlib.md5(body, usedforsecurity=False).hexdigest()

    def write_parts(self, key: str, chunks: Iterator[bytes], *, options: Mapping[str, Any]) -> None:
        """Store a body in parts side by side; when one fails, or the source, the upload is given up at the service."""
        with ThreadPoolExecutor(1, thread_name_prefix="modos-source") as aside:
            self._obstore.put(
                self._uploads,
                key,
                _pulled(chunks, aside),
                attributes=_attributes(options),
                use_multipart=True,
                chunk_size=self._part_size,
                max_concurrency=self._concurrency,
            )

    def copy(self, source: str, target: str) -> None:
        """Copy within the bucket, by the service."""
        self._obstore.copy(self._uploads, source, target)

    def sign(self, key: str, *, expires_in: float, method: Method) -> str:
        """Return a signed URL."""
        store: Any = self.store  # any that can sign; obstore refuses the others
        return str(self._obstore.sign(store, method, key, timedelta(seconds=expires_in)))


def _pulled(chunks: Iterator[bytes], aside: Executor) -> Iterator[bytes]:
    """Yield what another thread takes from the source: obstore panics where one that reads by obstore is asked in its own."""
    while (chunk := aside.submit(next, chunks, None).result()) is not None:
        yield chunk


_HEADERS = frozenset({"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type"})


def _entry(answer: "GetResult") -> dict[str, Any]:
    attributes: dict[str, str] = {str(name): str(value) for name, value in answer.attributes.items()}
    told = answer.meta  # made anew each time it is asked for
    return {
        "size": told["size"],
        "last_modified": told["last_modified"],
        "etag": told["e_tag"],
        "content_type": attributes.get("Content-Type"),
        "metadata": {name: value for name, value in attributes.items() if name not in _HEADERS},
        "type": "file",
    }


def _attributes(options: Mapping[str, Any]) -> dict[str, str]:
    attributes = dict(options.get("metadata", {}))
    if "content_type" in options:
        attributes["Content-Type"] = options["content_type"]
    return attributes
