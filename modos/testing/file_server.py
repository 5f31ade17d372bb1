"""`FileServer`: a web server on a directory, with ranges, for tests of what reads by HTTP.

Owns how files are served. Must not know who asks.
"""

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from os import PathLike
from types import TracebackType
from typing import BinaryIO, Self

__all__ = ["FileServer"]

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PARTIAL, _UNSATISFIABLE = 206, 416


class FileServer:
    """A web server on an ephemeral port of this machine, as a context.

    Files are served as Python's own handler serves them, with index pages for directories, and single ranges.

    Parameters
    ----------
    directory
        What is served.

    Attributes
    ----------
    url
        Its address, while the context lasts.

    Examples
    --------
    >>> import tempfile, pathlib, urllib.request
    >>> directory = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (directory / "demo.txt").write_bytes(b"ACGT")
    >>> with FileServer(directory) as server:
    ...     request = urllib.request.Request(f"{server.url}/demo.txt", headers={"Range": "bytes=1-2"})
    ...     with urllib.request.urlopen(request) as answer:
    ...         answer.status, answer.read()
    (206, b'CG')
    """

    def __init__(self, directory: str | PathLike[str]) -> None:
        self._directory = directory
        self.url = ""

    def __enter__(self) -> Self:
        handler = partial(_Handler, directory=str(self._directory))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _left: int | None = None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Say nothing."""

    def send_head(self) -> BinaryIO | None:
        wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
        self._left = None
        try:
            file = None if wanted is None else open(self.translate_path(self.path), "rb")  # noqa: PTH123, SIM115 - the caller closes it
        except OSError:
            file = None
        if file is None or wanted is None:
            return super().send_head()
        size = file.seek(0, 2)
        start, end = int(wanted[1]), min(int(wanted[2] or size), size - 1)
        if start >= size:
            file.close()
            self._say(_UNSATISFIABLE, f"bytes */{size}", 0)
            return None
        file.seek(start)
        self._left = end - start + 1
        self._say(_PARTIAL, f"bytes {start}-{end}/{size}", self._left)
        return file

    def _say(self, status: int, content_range: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Range", content_range)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:  # type: ignore[override]
        outputfile.write(source.read(-1 if self._left is None else self._left))
