"""A server of a test in a process of its own: started, asked and ended, with a scratch folder that goes with it.

Owns the process, its port, its log and its folder, and the lines that go to and fro. Must not know what it serves.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from modos.errors import ServiceError

_SECONDS_TO_STOP = 5
_LINES_OF_LOG = 30


class ChildServer(ABC):
    """A program that serves on a port of its own, takes orders in lines, answers in JSON, and ends when its input does.

    Parameters
    ----------
    program
        Its file, which is run by path.
    scratch
        Folder in which the scratch folder is made. `None` is the system's for temporary files.
    """

    def __init__(self, program: Path, *, scratch: str | os.PathLike[str] | None) -> None:
        self._program = program
        self._scratch_parent = scratch
        self._name = type(self).__name__
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: Path | None = None
        self._port: int | None = None
        self._log = ""
        self._turn = threading.Lock()

    def __repr__(self) -> str:
        return f"<{self._name} {self.url if self._port else 'stopped'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start the server and return when it is ready; does nothing when it runs already.

        Raises
        ------
        MissingDependencyError
            When what it serves is not installed.
        ServiceError
            When it does not start; the end of its log is a note on the error.
        """
        if self._process is not None:
            return self
        request = self._request()
        self._scratch = Path(
            tempfile.mkdtemp(prefix=f"modos-{self._name.removesuffix('Server').lower()}-", dir=self._scratch_parent)
        )
        try:
            with (self._scratch / "log").open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - our own file by our own interpreter
                    [sys.executable, "-P", "-W", "ignore", str(self._program)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    process_group=0,  # Ctrl-C ends the tests first
                )
            ours = {"parent": os.getpid(), "scratch": str(self._scratch)}
            self._port = int(self._order(json.dumps({**ours, **request}, default=str))["port"])
            self._fill()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the server and remove its scratch folder; does nothing when it does not run."""
        self._log = self.log
        self._port = None
        process, self._process = self._process, None
        scratch, self._scratch = self._scratch, None
        if process is not None:
            with process:
                try:
                    process.communicate(timeout=_SECONDS_TO_STOP)  # closes its input, on which it ends
                except subprocess.TimeoutExpired:
                    process.kill()
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)

    @property
    def url(self) -> str:
        """Address of the server, such as `http://127.0.0.1:40519`."""
        if self._port is None:
            raise ServiceError(self._name, "is not started")
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        """What the server has logged, also when it has stopped."""
        if self._scratch is None:
            return self._log
        try:
            return (self._scratch / "log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return self._log

    @abstractmethod
    def _request(self) -> Mapping[str, object]:
        """Return what the program is told first; raise when what it needs is not installed."""

    def _fill(self) -> None:  # noqa: B027 - not every server needs anything
        """Make what is to be there from the beginning."""

    def _order(self, line: str) -> Any:  # noqa: ANN401 - whatever was asked for
        """Send one line and return the answer to it."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ServiceError(self._name, "is not started")
        with self._turn:
            try:
                process.stdin.write(f"{line}\n".encode())
                process.stdin.flush()
                answer = json.loads(process.stdout.readline() or '{"error": "its process has ended"}')
            except BrokenPipeError:
                answer = {"error": "its process has ended"}
        if "error" not in answer:
            return answer
        log = "\n".join(self.log.splitlines()[-_LINES_OF_LOG:])
        failure = ServiceError(self._name, f"the test server failed: {answer['error']}")
        failure.add_note(f"The end of its log:\n{log}")
        raise failure
