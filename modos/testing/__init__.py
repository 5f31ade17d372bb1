"""For anyone who tests against Swift or writes a backend: a real server, a proxy that counts and breaks, samples.

Owns the public names, each imported when it is first used. Must not be imported by anything that is not a test.
"""

from modos._lazy import lazy_names

__all__ = ["Fault", "Proxy", "StorageTests", "SwiftServer"]

__getattr__ = lazy_names(
    __name__,
    {
        "Fault": ".proxy",
        "Proxy": ".proxy",
        "StorageTests": ".storage_tests",
        "SwiftServer": ".swift_server",
    },
)
