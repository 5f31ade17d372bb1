"""The header of a file: packets, each sealed by a writer for one reader, that hold session keys and edit lists.

Owns their layout, and how they are sealed, opened and sealed again for others. Must not know the body.
"""

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from modos.encryption.keys import KEY_LENGTH, PublicKey, SecretKey, generate_key, primitive
from modos.errors import InvalidInputError, NotEncryptedError, TamperedError, TruncatedError, WrongKeyError

__all__ = ["MAGIC", "Header", "Packet", "build_header", "list_packets", "measure", "open_header", "reshare"]

MAGIC = b"crypt4gh"
"""What every file begins with."""

_VERSION = 1
_PROLOGUE = struct.Struct("<8sII")
_LENGTH = struct.Struct("<I")
_KIND = struct.Struct("<I")
_METHOD_X25519 = 0
_METHOD_CHACHA20 = 0
_KINDS: dict[int, Literal["session key", "edit list"]] = {0: "session key", 1: "edit list"}
_NONCE, _TAG = 12, 16
_SHORTEST_PACKET = 8
_LONGEST_HEADER = 8 * 1024 * 1024
"""A header of this length would be for 67,000 readers; what claims more is no header."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a reader learns from a header.

    Attributes
    ----------
    length
        Its bytes: where the body begins.
    session_keys
        Keys that segments of the body were sealed with.
    edits
        Lengths, in turn to be dropped and to be kept; what is behind an odd number of them is kept. `None` where the
        whole content counts.
    """

    length: int
    session_keys: tuple[bytes, ...] = field(repr=False)
    edits: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, as far as it can be read.

    Attributes
    ----------
    writer
        Who sealed it; `None` where the method is not known here.
    kind
        What it holds; `None` where no key opens it.
    reader
        Whom it is for; `None` where no key opens it, for a packet does not say.
    """

    writer: PublicKey | None
    kind: Literal["session key", "edit list"] | None = None
    reader: PublicKey | None = None


def measure(head: bytes | bytearray) -> tuple[int, bool]:
    """Return how long a header is, as far as its beginning tells, and whether that is all of it.

    Parameters
    ----------
    head
        The beginning of a file; more of it is needed while it is shorter than what is returned.

    Raises
    ------
    NotEncryptedError
        When it is no header.
    """
    if head[: len(MAGIC)] != MAGIC[: len(head)]:
        raise NotEncryptedError("does not begin as a crypt4gh file does")
    if len(head) < _PROLOGUE.size:
        return _PROLOGUE.size, False
    _, version, count = _PROLOGUE.unpack_from(head)
    if version != _VERSION:
        message = f"is of version {version} of crypt4gh; {_VERSION} is read here"
        raise NotEncryptedError(message)
    if not count:
        raise NotEncryptedError("has a header without packets, which nobody can open")
    end = _PROLOGUE.size
    for _ in range(count):
        if len(head) < end + _LENGTH.size:
            return end + _LENGTH.size, False
        (length,) = _LENGTH.unpack_from(head, end)
        end += length
        if length < _SHORTEST_PACKET or end > _LONGEST_HEADER:
            raise NotEncryptedError("has a damaged header: a packet cannot be as long as it says")
    return end, True


def open_header(head: bytes, keys: Sequence[SecretKey], *, sender: PublicKey | None = None) -> Header:
    """Return what a header says to whoever has one of some keys.

    Parameters
    ----------
    head
        The header; bytes behind it do no harm.
    keys
        Keys to try.
    sender
        Who must have sealed it; packets of others are passed over. `None`: anyone may have.

    Raises
    ------
    WrongKeyError
        When no key opens a packet with a session key.
    NotEncryptedError
        When it is no header.
    TamperedError
        When what a packet holds makes no sense.
    """
    if not keys:
        raise InvalidInputError("give at least one secret key to open the file with")
    length = _whole(head)
    session_keys: list[bytes] = []
    lists: list[tuple[int, ...]] = []
    for content in _opened(head, keys, sender):
        if _kind(content) == "session key":
            session_keys.append(_session_key(content))
        else:
            lists.append(_edit_list(content))
    if not session_keys:
        raise WrongKeyError(_refused(keys, sender))
    if len(set(lists)) > 1:
        raise TamperedError("the header has several edit lists")
    return Header(length, tuple(dict.fromkeys(session_keys)), lists[0] if lists else None)


def build_header(
    session_key: bytes,
    recipients: Sequence[PublicKey],
    *,
    sender: SecretKey | None = None,
    edits: Sequence[int] | None = None,
) -> bytes:
    """Return a header.

    Parameters
    ----------
    session_key
        What the segments are sealed with.
    recipients
        Who can read the file.
    sender
        Who writes it; `None` for a key that is made for this and forgotten.
    edits
        The edit list; `None` for none.
    """
    contents = [struct.pack("<II", 0, _METHOD_CHACHA20) + session_key]
    if edits is not None:
        contents.append(struct.pack(f"<II{len(edits)}Q", 1, len(edits), *edits))
    return _serialized(_sealed(contents, recipients, sender))


def reshare(
    head: bytes,
    keys: Sequence[SecretKey],
    recipients: Sequence[PublicKey],
    *,
    sender: SecretKey | None = None,
    keep: bool = False,
    remove: Sequence[PublicKey] = (),
) -> tuple[bytes, int]:
    """Return a header for other recipients, and where in the file the body begins that goes behind it, untouched.

    Whoever could read the file and has kept the old header, or its session key, still can: to take the right away, the
    file has to be encrypted anew.

    Parameters
    ----------
    head
        The beginning of the file, with the whole header.
    keys
        Keys to open it with.
    recipients
        Who can read the file then; include your own public key to stay among them.
    sender
        Who writes the new header; `None` for a key that is made for this and forgotten.
    keep
        Whether those who could read it before still can.
    remove
        Who of them cannot any more. Which packet is theirs shows only the key of who wrote it, or their own.

    Raises
    ------
    WrongKeyError
        When no key opens the header.
    NotEncryptedError
        When it is no header.
    InvalidInputError
        When nobody could read the file then, or the keys do not show which packet is that of who is to be removed.

    Examples
    --------
    >>> from modos.encryption import decrypt, encrypt, generate_key
    >>> ada, bob = generate_key(), generate_key()
    >>> file = b"".join(encrypt([b"ACGT"], [ada.public]))
    >>> header, body = reshare(file, [ada], [bob.public])
    >>> b"".join(decrypt([header, file[body:]], [bob]))
    b'ACGT'
    """
    opened = open_header(head, keys)
    contents = list(dict.fromkeys(_opened(head, keys, None)))
    old = [head[start:end] for start, end in _places(head)] if keep else []
    gone = (*recipients, *remove)  # the former get a packet anew
    readers = [_described(each, keys, gone).reader for each in old]
    _check_found(remove, readers)
    kept = [each for each, reader in zip(old, readers, strict=True) if reader not in gone]
    made = _sealed(contents, recipients, sender) if recipients or not kept else []
    return _serialized([*made, *kept]), opened.length


def _check_found(remove: Sequence[PublicKey], readers: Sequence[PublicKey | None]) -> None:
    for key in remove:
        if key not in readers:
            message = f"{key} is not among those who can read the file"
            if None in readers:
                message = f"the keys at hand do not show which packet is for {key}; name all who are to read the file"
            raise InvalidInputError(message)


def list_packets(head: bytes, keys: Sequence[SecretKey], *, among: Sequence[PublicKey] = ()) -> list[Packet]:
    """Return what can be said of the packets of a header: a packet does not say whom it is for.

    Parameters
    ----------
    head
        The beginning of the file, with the whole header.
    keys
        Secret keys to try: of readers, and of writers.
    among
        Public keys of readers to try where one of the keys is the writer's.

    Raises
    ------
    NotEncryptedError
        When it is no header.
    """
    _whole(head)
    return [_described(head[start:end], keys, among) for start, end in _places(head)]


def _whole(head: bytes) -> int:
    length, whole = measure(head)
    if not whole or length > len(head):
        raise TruncatedError("the file is cut off within its header")
    return length


def _places(head: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the packets are, with their lengths before them."""
    _, _, count = _PROLOGUE.unpack_from(head)
    start = _PROLOGUE.size
    for _ in range(count):
        end = start + _LENGTH.unpack_from(head, start)[0]
        yield start, end
        start = end


def _serialized(packets: Sequence[bytes]) -> bytes:
    return _PROLOGUE.pack(MAGIC, _VERSION, len(packets)) + b"".join(packets)


def _sealed(contents: Iterable[bytes], recipients: Sequence[PublicKey], sender: SecretKey | None) -> list[bytes]:
    if not recipients:
        raise InvalidInputError("give at least one public key to encrypt for; without one, nobody could read it")
    contents, writer = list(contents), sender or generate_key()
    packets = []
    for reader in dict.fromkeys(recipients):
        shared = writer.shared_with(reader, reader=reader, writer=writer.public)
        if shared is None:
            message = f"the public key {reader} is none that anyone can have"
            raise InvalidInputError(message)
        cipher = primitive("ciphers.aead").ChaCha20Poly1305(shared)
        for content in contents:
            nonce = os.urandom(_NONCE)
            packet = writer.public.raw + nonce + cipher.encrypt(nonce, content, None)
            packets.append(struct.pack("<II", len(packet) + _SHORTEST_PACKET, _METHOD_X25519) + packet)
    return packets


def _opened(head: bytes, keys: Sequence[SecretKey], sender: PublicKey | None) -> Iterator[bytes]:
    """Yield the contents of the packets that some keys open."""
    for start, end in _places(head):
        packet = head[start:end]
        writer = _writer(packet)
        if writer is None or (sender is not None and writer != sender):
            continue
        for key in keys:
            content = _content(packet, key.shared_with(writer, reader=key.public, writer=writer))
            if content is not None:
                yield content
                break


def _described(packet: bytes, keys: Sequence[SecretKey], among: Sequence[PublicKey]) -> Packet:
    writer = _writer(packet)
    if writer is None:
        return Packet(None)
    for key in keys:
        readers = [key.public, *among] if key.public == writer else [key.public]
        for reader in readers:
            other = writer if reader == key.public else reader
            content = _content(packet, key.shared_with(other, reader=reader, writer=writer))
            if content is not None:
                return Packet(writer, _kind(content), reader)
    return Packet(writer)


def _writer(packet: bytes) -> PublicKey | None:
    """Return who sealed a packet; `None` where the method is not known here, or it is too short for it."""
    start = _SHORTEST_PACKET
    (method,) = _KIND.unpack_from(packet, _LENGTH.size)
    if method != _METHOD_X25519 or len(packet) < start + KEY_LENGTH + _NONCE + _TAG:
        return None
    return PublicKey(packet[start : start + KEY_LENGTH])


def _content(packet: bytes, shared: bytes | None) -> bytes | None:
    """Return what is in a packet, or `None` when it is not for this key."""
    from cryptography.exceptions import InvalidTag

    if shared is None:
        return None
    start = _SHORTEST_PACKET + KEY_LENGTH
    nonce, sealed = packet[start : start + _NONCE], packet[start + _NONCE :]
    try:
        content: bytes = primitive("ciphers.aead").ChaCha20Poly1305(shared).decrypt(nonce, sealed, None)
    except InvalidTag:
        return None
    return content


def _kind(content: bytes) -> Literal["session key", "edit list"]:
    kind = _KIND.unpack_from(content)[0] if len(content) >= _KIND.size else None
    if kind not in _KINDS:
        raise TamperedError("the header has a packet of a kind that crypt4gh 1.0 does not know")
    return _KINDS[kind]


def _session_key(content: bytes) -> bytes:
    if len(content) != 2 * _KIND.size + KEY_LENGTH or _KIND.unpack_from(content, _KIND.size)[0] != _METHOD_CHACHA20:
        raise TamperedError("the header names a cipher for the body that crypt4gh 1.0 does not know")
    return content[-KEY_LENGTH:]


def _edit_list(content: bytes) -> tuple[int, ...]:
    start = 2 * _KIND.size
    if len(content) < start:
        raise TamperedError("the edit list in the header is cut off")
    (count,) = _KIND.unpack_from(content, _KIND.size)
    if not count or len(content) - start < 8 * count:
        raise TamperedError("the edit list in the header has fewer lengths than it says, or none")
    return struct.unpack_from(f"<{count}Q", content, start)


def _refused(keys: Sequence[SecretKey], sender: PublicKey | None) -> str:
    whose = ", ".join(str(key.public) for key in keys)
    by = f", sealed by {sender}" if sender else ""
    return f"the file is not for the keys at hand, whose public keys are {whose}{by}; or its header was changed"
