"""Versions in the addresses of repositories: `icechunk://branch.main/path`, `ocdbt://v12/path`, and their older `@` form.

Owns the two syntaxes. Does no I/O and knows no repository.
"""

import re
from dataclasses import dataclass

from modos.errors import InvalidInputError
from modos.storage.pipelines.syntax.escapes import decoded

__all__ = ["Version", "icechunk_version", "ocdbt_version"]

_SNAPSHOT = re.compile(r"[0-9A-HJKMNP-TV-Z]{20}")
_GENERATION = re.compile(r"v([0-9]{1,20})")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z")
_LAST_GENERATION = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a repository.

    Attributes
    ----------
    kind
        `"branch"`, `"tag"` or `"snapshot"` of icechunk; `"generation"` or `"time"` of ocdbt.
    name
        Its name, decoded.
    """

    kind: str
    name: str


def icechunk_version(text: str | None) -> Version:
    """Read `branch.NAME`, `tag.NAME` or the id of a snapshot; `None` is the branch `main`.

    Examples
    --------
    >>> icechunk_version("tag.v5")
    Version(kind='tag', name='v5')
    """
    if text is None:
        return Version("branch", "main")
    kind, dot, rest = text.partition(".")
    if dot and kind in {"branch", "tag"}:
        name = decoded(rest)
        if name == "" or "/" in name:
            raise InvalidInputError(f"names the {kind} {name!r}; a {kind} has a name without a slash")
        return Version(kind, name)
    if _SNAPSHOT.fullmatch(text):
        return Version("snapshot", text)
    right = "branch.NAME, tag.NAME, or the 20 characters (0-9 and A-Z but I, L, O, U) of a snapshot"
    raise InvalidInputError(f"has the version {text!r}; a version is {right}")


def ocdbt_version(text: str) -> Version:
    """Read `v` and a number, or a time in UTC.

    Examples
    --------
    >>> ocdbt_version("v123")
    Version(kind='generation', name='123')
    """
    if found := _GENERATION.fullmatch(text):
        if 1 <= int(found[1]) <= _LAST_GENERATION:
            return Version("generation", found[1])
    elif _TIME.fullmatch(text):
        return Version("time", text)
    right = "v and a number from 1 on (v12), or a time in UTC (2024-01-17T12:00:00Z)"
    raise InvalidInputError(f"has the version {text!r}; a version is {right}")
