"""modos: multi-omics digital objects on disk, in S3 and in OpenStack Swift.

Owns the public names of the package, each imported when it is first used. Knows where they are defined and nothing else.
"""

from modos._lazy import lazy_names
from modos._version import __version__

__all__ = ["__version__"]

__getattr__ = lazy_names(__name__, {})
