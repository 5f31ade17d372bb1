"""One account, asked from blocking code.

Owns how a filesystem, or the options for one, becomes something that answers requests. Knows no container and no object.
"""

from typing import Any

from modos.errors import InvalidInputError, InvalidPathError
from modos.swift.filesystem import SwiftFileSystem
from modos.swift.http.exchanges import Response

__all__ = ["Account", "container_name"]

_LONGEST_NAME = 256


class Account:
    """An account, by the filesystem that leads to it.

    Parameters
    ----------
    filesystem
        `None` to make one.
    options
        What `SwiftFileSystem` takes, for making one.
    """

    def __init__(self, filesystem: SwiftFileSystem | None, options: dict[str, Any]) -> None:
        if filesystem is not None and options:
            message = f"the filesystem knows its account already: {', '.join(sorted(options))} cannot be given as well"
            raise InvalidInputError(message)
        self.filesystem = filesystem or SwiftFileSystem(skip_instance_cache=True, **options)

    def __repr__(self) -> str:
        return repr(self.filesystem)

    @property
    def storage_url(self) -> str:
        """Its address, for which it may have to log in."""
        return str(self.filesystem.run(self.filesystem.client.access).storage_url)

    def ask(self, method: str, path: str = "", **request: Any) -> Response:  # noqa: ANN401 - as `SwiftClient.request`
        """Make one request, see `SwiftClient.request`."""
        answer: Response = self.filesystem.run(self.filesystem.client.request, method, path, **request)
        return answer


def container_name(text: str) -> str:
    """Return the name of a container from that name or `swift://name`.

    Raises
    ------
    InvalidPathError
        It is none.

    Examples
    --------
    >>> container_name("swift://omics/"), container_name("omics")
    ('omics', 'omics')
    """
    name = text.removeprefix("swift://").removesuffix("/")
    if name in {"", ".", ".."} or "/" in name or len(name.encode()) > _LONGEST_NAME:
        raise InvalidPathError(text, "is not the name of a container")
    return name
