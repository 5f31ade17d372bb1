"""For anyone who tests against Swift or writes a backend: a real server, a proxy that counts and breaks, samples.

Owns the public names, each imported when it is first used. Must not be imported by what users run, but for the
demonstration.
"""

from modos._lazy import lazy_names

__all__ = [
    "Fault",
    "FileServer",
    "KeystoneServer",
    "Proxy",
    "ReadableStorageTests",
    "SampleFiles",
    "StorageTests",
    "SwiftServer",
    "write_samples",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Fault": ".proxy",
        "FileServer": ".file_server",
        "KeystoneServer": ".keystone_server",
        "Proxy": ".proxy",
        "ReadableStorageTests": ".storage_tests",
        "SampleFiles": ".samples",
        "StorageTests": ".storage_tests",
        "SwiftServer": ".swift_server",
        "write_samples": ".samples",
    },
)
