"""The journal of a file that arrives on a disk by parts: which of them are there.

Owns its lines, and which of them can be believed. Knows nothing of how parts are written.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from modos.storage.parts.plan import PartInfo

__all__ = ["Journal", "boot"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot() -> str:
    """Return what is another at each start of the machine; empty where the system does not tell."""
    with suppress(OSError):
        return _BOOT.read_text(encoding="ascii").strip()
    return ""


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal says.

    Attributes
    ----------
    identity
        Of the upload that it belongs to.
    name
        Last part of the name of the file that it is to be.
    started
        When it was begun, in seconds since 1970.
    boot
        Of the machine when it was begun. Since another start, or on another machine, what is written here need not have
        come to the disk.
    parts
        Those that have been written.
    """

    identity: str
    name: str
    started: float
    boot: str
    parts: Mapping[int, PartInfo] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the journal in a file; `None` where there is none, or none that can be read.

        A line that is torn or damaged says nothing: its part is then written again.
        """
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        records = [found for line in text.splitlines() if (found := _record(line)) is not None]
        try:
            head = records[0]
            parts = (PartInfo(*each["part"]) for each in records[1:] if each["of"] == head["identity"])
            known = {part.index: part for part in parts}
            return cls(head["identity"], head["name"], head["started"], head["boot"], known)
        except (IndexError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Write the journal anew, seen whole or not at all."""
        head = {"identity": self.identity, "name": self.name, "started": self.started, "boot": self.boot}
        beside = path.with_name(path.name.replace(".partial", ".new.partial"))
        beside.write_bytes(b"".join([_line(head), *(_part_line(self.identity, part) for part in self.parts.values())]))
        beside.replace(path)

    @property
    def is_of_this_boot(self) -> bool:
        """Whether what it says was written since the machine was started, and so is where it says."""
        return bool(self.boot) and self.boot == boot()

    @staticmethod
    def add(path: Path, identity: str, part: PartInfo) -> None:
        """Note a part that has been written. Many may do so at once: each line is one write at the end of the file.

        A part of another upload than the journal's, which has been given up meanwhile, does not count.
        """
        opened = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(opened, _part_line(identity, part))
        finally:
            os.close(opened)


def _part_line(identity: str, part: PartInfo) -> bytes:
    return _line({"of": identity, "part": [part.index, part.size, part.etag]})


def _line(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line, behind a line break that ends whatever was torn before it."""
    return b"\n" + json.dumps(record).encode() + b"\n"


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
