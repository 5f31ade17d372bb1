"""Lazy façades and optional dependencies: what makes `import modos` cost nothing.

Owns how a public name is resolved on first use, and how a missing extra is reported. Knows no name of any room.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from modos.errors import MissingDependencyError


def lazy_names(package: str, origins: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module-level `__getattr__` that imports each public name from its module on first use.

    `dir()` of the package lists the names, so that shells complete them.

    Parameters
    ----------
    package
        Name of the package whose façade it is, as in `__name__`.
    origins
        Public name to the module that defines it, relative to `package` (`".base"`) or absolute.
    """

    def getattr_(name: str) -> Any:  # noqa: ANN401 - a module attribute may be anything
        if name not in origins:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message, name=name)
        module = importlib.import_module(origins[name], package)
        return getattr(module, name)

    facade = sys.modules[package]
    facade.__dict__["__dir__"] = lambda: sorted({*facade.__dict__, *origins})
    return getattr_


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Parameters
    ----------
    module
        Dotted name to import, such as `"s3fs"`.
    extra
        The extra of this distribution that installs it.
    purpose
        What the user wanted, as in "reading objects in S3".

    Raises
    ------
    MissingDependencyError
        When the module is not installed; its message is the `pip install` line.

    Examples
    --------
    >>> require("json", extra="s3", purpose="reading JSON").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingDependencyError(module, extra=extra, purpose=purpose) from error
