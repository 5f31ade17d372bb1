"""Encryption with crypt4gh, the GA4GH's format: whole files stream to stream, and parts of files on the fly.

Owns keys, headers and segments. Must not know formats, paths, nor the digital object.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.encryption.fetching import stream_file
    from modos.encryption.header import Header, Packet, list_packets, open_header, reshare
    from modos.encryption.key_files import (
        Passphrase,
        format_public_key,
        format_secret_key,
        parse_public_key,
        parse_secret_key,
    )
    from modos.encryption.key_sources import (
        KEY_VARIABLES,
        find_keys,
        key_from_command,
        public_key_of,
        read_public_key,
        read_secret_key,
        secret_key_of,
    )
    from modos.encryption.keys import PublicKey, SecretKey, generate_key
    from modos.encryption.reading import DecryptedFiles, RangeSource
    from modos.encryption.segments import sealed_size
    from modos.encryption.streams import decrypt, encrypt, read_header

__all__ = [
    "KEY_VARIABLES",
    "DecryptedFiles",
    "Header",
    "Packet",
    "Passphrase",
    "PublicKey",
    "RangeSource",
    "SecretKey",
    "decrypt",
    "encrypt",
    "find_keys",
    "format_public_key",
    "format_secret_key",
    "generate_key",
    "key_from_command",
    "list_packets",
    "open_header",
    "parse_public_key",
    "parse_secret_key",
    "public_key_of",
    "read_header",
    "read_public_key",
    "read_secret_key",
    "reshare",
    "sealed_size",
    "secret_key_of",
    "stream_file",
]

__getattr__ = lazy_names(
    __name__,
    {
        "DecryptedFiles": ".reading",
        "Header": ".header",
        "KEY_VARIABLES": ".key_sources",
        "Packet": ".header",
        "Passphrase": ".key_files",
        "PublicKey": ".keys",
        "RangeSource": ".reading",
        "SecretKey": ".keys",
        "decrypt": ".streams",
        "encrypt": ".streams",
        "find_keys": ".key_sources",
        "format_public_key": ".key_files",
        "format_secret_key": ".key_files",
        "generate_key": ".keys",
        "key_from_command": ".key_sources",
        "list_packets": ".header",
        "open_header": ".header",
        "parse_public_key": ".key_files",
        "parse_secret_key": ".key_files",
        "public_key_of": ".key_sources",
        "read_header": ".streams",
        "read_public_key": ".key_sources",
        "read_secret_key": ".key_sources",
        "reshare": ".header",
        "sealed_size": ".segments",
        "secret_key_of": ".key_sources",
        "stream_file": ".fetching",
    },
)
