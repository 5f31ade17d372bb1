"""Whole files, stream to stream: chunks of bytes in, chunks of bytes out, a few megabytes of memory.

Owns the order of work on a stream. Must not know where its bytes come from, nor where they go.
"""

import os
from collections.abc import Generator, Iterable, Iterator, Sequence

from modos.encryption.header import Header, build_header, measure, open_header
from modos.encryption.keys import KEY_LENGTH, PublicKey, SecretKey
from modos.encryption.planning import kept_spans
from modos.encryption.segments import PLAIN, SEALED, Opener, Sealer
from modos.errors import InvalidInputError, TamperedError, TruncatedError

__all__ = ["decrypt", "encrypt", "read_header"]

_BATCH = 16
"""Segments that are worked on at a time: a mebibyte."""

type _Buffer = bytes | bytearray | memoryview


def encrypt(
    source: Iterable[_Buffer], recipients: Sequence[PublicKey], *, sender: SecretKey | None = None
) -> Iterator[bytes]:
    """Return the chunks of a crypt4gh file.

    Nothing is read before the first is asked for; memory stays at a few megabytes. One processor does about a gigabyte
    a second. The order of the segments, and which is the last, is told by their nonces, so that `decrypt` notices
    when any is exchanged or missing; other programs read the file as any.

    Parameters
    ----------
    source
        The content, in chunks of any length.
    recipients
        Who can read it.
    sender
        Who writes it, which readers can see and check; `None` for a key that is made for this file and forgotten.

    Raises
    ------
    InvalidInputError
        When there are no recipients.

    Examples
    --------
    >>> from modos.encryption import decrypt, generate_key
    >>> key = generate_key()
    >>> file = b"".join(encrypt([b"ACGT", b"TGCA"], [key.public]))
    >>> file[:8], len(file)
    (b'crypt4gh', 160)
    >>> b"".join(decrypt([file], [key]))
    b'ACGTTGCA'
    """
    session_key = os.urandom(KEY_LENGTH)
    header = build_header(session_key, recipients, sender=sender)
    return _sealed(source, session_key, header, list(recipients), sender)


def decrypt(
    source: Iterable[_Buffer], keys: Sequence[SecretKey], *, sender: PublicKey | None = None, size: int | None = None
) -> Iterator[bytes]:
    """Return the content of a crypt4gh file, in chunks, each of segments that have been proven to be as written.

    What has come is not the whole before the iterator has ended without an error: whoever keeps it keeps it aside until
    then, as `Storage.put` does. A file of another program that was cut off between two segments, or whose segments were
    exchanged, cannot be told from a whole one by its content: give its `size` where it is known.

    Parameters
    ----------
    source
        The file, in chunks of any length.
    keys
        Keys to try.
    sender
        Who must have written it; `None`: anyone may have.
    size
        How many bytes the content must have; `None`: unknown. Only with a `size` of 0 is a header that nothing follows
        taken for an empty file.

    Raises
    ------
    NotEncryptedError, WrongKeyError
        When the first chunk is asked for.
    TamperedError, TruncatedError
        When the file is not what was written; names the segment. Nothing of that segment has been returned.
    """
    if not keys:
        raise InvalidInputError("give at least one secret key to open the file with")
    return _opened(iter(source), keys, sender, size)


def read_header(source: Iterator[_Buffer]) -> tuple[bytes, bytes]:
    """Return the header of a file that comes in chunks, and what has come behind it; reads no more than it has to.

    Raises
    ------
    NotEncryptedError
        When it has none.
    TruncatedError
        When the file ends within it.
    """
    head = bytearray()
    length, whole = measure(head)
    while not whole or len(head) < length:
        while len(head) < length:
            chunk = next(source, None)
            if chunk is None:
                measure(head)  # it may be none at all
                raise TruncatedError("the file is cut off within its header")
            head += chunk
        length, whole = measure(head)
    return bytes(head[:length]), bytes(head[length:])


def _sealed(
    source: Iterable[_Buffer],
    session_key: bytes,
    header: bytes,
    recipients: Sequence[PublicKey],
    sender: SecretKey | None,
) -> Generator[bytes]:
    sealed = memoryview(bytearray(_BATCH * SEALED))
    sealer: Sealer | None = None
    for content, last in _batches(source, _BATCH * PLAIN):
        plain = content
        if sealer is None:
            empty = last and not content
            sealer = Sealer(session_key, empty=empty)
            if empty:
                plain = memoryview(b"\0")
                header = build_header(session_key, recipients, sender=sender, edits=(1,))
            yield header
        yield bytes(sealed[: sealer.seal(plain, sealed, last=last)])


def _opened(
    source: Iterator[_Buffer], keys: Sequence[SecretKey], sender: PublicKey | None, size: int | None
) -> Generator[bytes]:
    head, rest = read_header(source)
    header = open_header(head, keys, sender=sender)
    count = 0
    for chunk in _kept(_segments(_after(rest, source), header, may_be_empty=size == 0), header):
        count += len(chunk)
        if size is not None and count > size:
            message = f"the content is longer than the {size:,} bytes that it should have"
            raise TamperedError(message)
        yield chunk
    if size is not None and count < size:
        message = f"the file is cut off: its content has {count:,} bytes and should have {size:,}"
        raise TruncatedError(message)


def _after(first: bytes, source: Iterator[_Buffer]) -> Iterator[_Buffer]:
    yield first
    yield from source


def _segments(source: Iterable[_Buffer], header: Header, *, may_be_empty: bool) -> Generator[memoryview]:
    """Yield the content of the body; each view is worth something only until the next is asked for."""
    opener = Opener(header.session_keys, header.edits)
    content = memoryview(bytearray(_BATCH * PLAIN))
    number = 0
    for sealed, last in _batches(source, _BATCH * SEALED):
        if not sealed:
            if may_be_empty:
                return
            raise TruncatedError("nothing follows the header: the file is cut off there, or was empty")
        yield content[: opener.open(sealed, content, number=number, last=last)]
        number += -(-len(sealed) // SEALED)


def _kept(contents: Iterable[memoryview], header: Header) -> Generator[bytes]:
    """Yield what the edit list keeps."""
    spans = [*kept_spans(header.edits)]
    offset = 0
    for content in contents:
        behind = offset + len(content)
        while spans and spans[0][0] < behind:
            start, end = spans[0]
            piece = content[max(start - offset, 0) : None if end is None else max(end - offset, 0)]
            if piece:
                yield bytes(piece)
            if end is None or end > behind:
                break
            del spans[0]
        offset = behind
    if spans and (spans[0][1] is not None or spans[0][0] > offset):
        raise TruncatedError("the file is cut off: its edit list speaks of more than there is")


def _batches(source: Iterable[_Buffer], size: int) -> Generator[tuple[memoryview, bool]]:
    """Yield the bytes of a stream by so many at a time, and whether they are the last; once, if there are none.

    Each view is worth something only until the next is asked for.
    """
    whole = memoryview(bytearray(size))
    filled = 0
    for chunk in source:
        rest = memoryview(chunk).cast("B")
        while rest:
            if filled == size:
                yield whole, False
                filled = 0
            taken = min(size - filled, len(rest))
            whole[filled : filled + taken] = rest[:taken]
            filled += taken
            rest = rest[taken:]
    yield whole[:filled], True
