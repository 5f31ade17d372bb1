"""The version of modos: the one place it is written.

Owns one string. Knows nothing else, so that `modos --version` and the build read it without importing anything.
"""

__version__ = "0.1.0"
