"""Directories as the index pages of web servers show them.

Owns which links of a page are names in its directory. Asks nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from modos.errors import InvalidPathError
from modos.storage.paths import target_name

__all__ = ["linked_names"]


def linked_names(page: str, url: str) -> list[str]:
    """Return what an index page links to one level beneath its own address; directories end with a slash.

    Examples
    --------
    >>> linked_names('<a href="../">up</a> <a href="a%20b">a b</a> <a href="sub/">sub</a> <a href="?C=N">N</a>', "http://h/d/")
    ['a b', 'sub/']
    """
    parser = _Links()
    parser.feed(page)
    names: dict[str, None] = {}
    for target in parser.targets:
        parts = urlsplit(urljoin(url, target))
        beneath = parts._replace(query="", fragment="").geturl()
        name = unquote(beneath.removeprefix(url))
        if beneath == url or not beneath.startswith(url) or parts.query or "/" in name.rstrip("/"):
            continue
        with suppress(InvalidPathError):  # another name than a target may have
            target_name(name.removesuffix("/"))
            names[name] = None
    return sorted(names)


class _Links(HTMLParser):
    """Collects the targets of the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for name, value in attrs if name == "href" and value]
