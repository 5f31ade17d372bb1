"""A server of a test in a process of its own: started, asked and ended, with a scratch folder that goes with it.

Owns the process, its log and its folder, and the lines that go to and fro. Must not know what the process serves.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modos.errors import ServiceError

_SECONDS_TO_STOP = 5
_LINES_OF_LOG = 30


class Child:
    """A program that takes orders from standard input, answers in lines of JSON, and ends when its input does.

    Parameters
    ----------
    program
        Its file, which is run by path.
    name
        What errors call it, such as `SwiftServer`.
    """

    def __init__(self, program: Path, *, name: str) -> None:
        self._program = program
        self._name = name
        self._prefix = f"modos-{name.removesuffix('Server').lower()}-"
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: Path | None = None
        self._log = ""
        self._turn = threading.Lock()

    @property
    def is_started(self) -> bool:
        """Whether it has been started and not been stopped."""
        return self._process is not None

    @property
    def log(self) -> str:
        """What the program has logged, also when it has stopped."""
        if self._scratch is None:
            return self._log
        try:
            return (self._scratch / "log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return self._log

    def start(self, request: Mapping[str, object], *, parent: str | os.PathLike[str] | None) -> Any:  # noqa: ANN401 - its answer
        """Start the program in a scratch folder beneath a folder, and return its answer to a first request."""
        self._scratch = Path(tempfile.mkdtemp(prefix=self._prefix, dir=parent))
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
            return self.ask(json.dumps({**ours, **request}, default=str))
        except BaseException:
            self.stop()
            raise

    def ask(self, line: str) -> Any:  # noqa: ANN401 - whatever was asked for
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

    def stop(self) -> None:
        """End the process and remove its scratch folder; does nothing when there is none."""
        self._log = self.log
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
