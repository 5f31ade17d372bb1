"""Segments: the body of a file, 64 KiB each, sealed one by one and in an order that can be proven.

Owns how a segment is sealed and opened. Must not know headers, nor where the bytes come from.

crypt4gh leaves the nonce of a segment free, and so does not notice when whole segments are exchanged, doubled, or left
out at the end. Here nonces are those of the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, 2015): seven
bytes that follow from the session key, four that number the segment, one that marks the last. Other programs read
such files as any; this one checks the order of whichever file has it.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from modos.encryption.keys import primitive
from modos.errors import TamperedError, TruncatedError

__all__ = ["OVERHEAD", "PLAIN", "SEALED", "Opener", "Sealer", "is_whole", "sealed_size"]

PLAIN = 65_536
"""Bytes of a segment before it is sealed; the last may have fewer."""

OVERHEAD = 28
"""Bytes that sealing adds: the nonce before, the tag behind."""

SEALED = PLAIN + OVERHEAD
"""Bytes of a sealed segment."""

_NONCE, _PREFIX, _NUMBER = 12, 7, 4
_LAST, _EMPTY = 1, 2
_EMPTY_EDITS = (1,)


def sealed_size(plain: int) -> int:
    """Return how long a body becomes.

    Examples
    --------
    >>> sealed_size(65_536), sealed_size(65_537)
    (65564, 65593)
    """
    return plain + -(-plain // PLAIN) * OVERHEAD


def is_whole(sealed: int) -> bool:
    """Return whether a body of this many bytes can end there: not within what seals a segment."""
    rest = sealed % SEALED
    return rest == 0 or rest > OVERHEAD


class Sealer:
    """Seals the segments of one file in turn, at most 2**32 of them, which are 256 TiB.

    Parameters
    ----------
    key
        The session key, for this file only.
    empty
        Whether the file is empty: it then is one byte that an edit list drops, for a header alone may also be what is
        left of a file that was cut off.
    """

    __slots__ = ("_cipher", "_empty", "_number", "_prefix")

    def __init__(self, key: bytes, *, empty: bool = False) -> None:
        self._cipher = primitive("ciphers.aead").ChaCha20Poly1305(key)
        self._prefix = _order_prefix(key)
        self._empty = _EMPTY if empty else 0
        self._number = 0

    def seal(self, plain: memoryview, target: memoryview, *, last: bool) -> int:
        """Seal some segments, all full unless they are the last, and return how many bytes they became."""
        written = 0
        for start in range(0, len(plain), PLAIN):
            piece = plain[start : start + PLAIN]
            ends = last and start + PLAIN >= len(plain)
            nonce = self._prefix + self._number.to_bytes(_NUMBER, "big") + bytes([ends * _LAST | self._empty])
            behind = written + len(piece) + OVERHEAD
            target[written : written + _NONCE] = nonce
            self._cipher.encrypt_into(nonce, piece, None, target[written + _NONCE : behind])
            self._number += 1
            written = behind
        return written


@dataclass(slots=True)
class Opener:
    """Opens segments of one file, and checks their order where the file has one.

    Attributes
    ----------
    session_keys
        Keys of the file; usually one.
    edits
        The edit list of its header; `None` where there is none.
    """

    session_keys: Sequence[bytes] = field(repr=False)
    edits: Sequence[int] | None = None
    _ciphers: list[tuple[bytes, Any]] = field(init=False, repr=False)
    _ordered_by: bytes | None = field(init=False, default=None, repr=False)
    """What the nonces begin with; `b""` where a segment has shown that they have no order."""

    def __post_init__(self) -> None:
        cipher = primitive("ciphers.aead").ChaCha20Poly1305
        self._ciphers = [(_order_prefix(key), cipher(key)) for key in self.session_keys]

    def open(self, sealed: memoryview, target: memoryview, *, number: int, last: bool) -> int:
        """Open adjacent segments and return how many bytes came out.

        Parameters
        ----------
        sealed
            The segments.
        target
            Where the content goes; worth nothing when an error is raised.
        number
            Which segment of the file the first is.
        last
            Whether the file ends with them.

        Raises
        ------
        TamperedError
            When one is not what was written, or not where it was.
        TruncatedError
            When they are not the end of the file, and should be.
        """
        written = 0
        for start in range(0, len(sealed), SEALED):
            piece = sealed[start : start + SEALED]
            if len(piece) <= OVERHEAD:
                raise TruncatedError("the file is cut off", segment=number)
            out = target[written : written + len(piece) - OVERHEAD]
            self._open_one(piece, out, number, last=last and start + SEALED >= len(sealed))
            written += len(out)
            number += 1
        return written

    def _open_one(self, sealed: memoryview, out: memoryview, number: int, *, last: bool) -> None:
        from cryptography.exceptions import InvalidTag

        nonce = bytes(sealed[:_NONCE])
        ciphers = self._ciphers  # as it is now: other threads may read the same file
        for position, (prefix, cipher) in enumerate(ciphers):
            try:
                cipher.decrypt_into(nonce, sealed[_NONCE:], None, out)
            except InvalidTag:
                continue
            if position:  # adjacent segments mostly have the same key
                self._ciphers = [ciphers[position], *ciphers[:position], *ciphers[position + 1 :]]
            self._check_order(nonce, prefix, number, last=last)
            return
        out[:] = bytes(len(out))
        if last and len(sealed) < SEALED:
            raise self._short(nonce, number)
        raise TamperedError("is not what was written, or the file was replaced meanwhile", segment=number)

    def _short(self, nonce: bytes, number: int) -> TamperedError:
        """Return what is wrong with a segment that is shorter than others and does not open."""
        if any(nonce.startswith(prefix) for prefix, _ in self._ciphers) and not nonce[-1] & _LAST:
            return TruncatedError("the file is cut off within it", segment=number)
        return TamperedError("is not what was written, or is cut off", segment=number)

    def _check_order(self, nonce: bytes, prefix: bytes, number: int, *, last: bool) -> None:
        found = prefix if nonce.startswith(prefix) else b""
        if self._ordered_by is None:
            self._ordered_by = found
        if found != self._ordered_by:
            raise TamperedError("is of another file than the segments before it", segment=number)
        if not found:
            return
        place, marks = int.from_bytes(nonce[_PREFIX:-1], "big"), nonce[-1]
        if place != number:
            raise TamperedError(f"stands where segment {number} was written", segment=place)
        if marks & _LAST and not last:
            raise TamperedError("was the last when the file was written, and more follows", segment=number)
        if last and not marks & _LAST:
            raise TruncatedError("the file is cut off behind it", segment=number)
        if self.edits != (_EMPTY_EDITS if marks & _EMPTY else None):
            raise TamperedError("belongs to a file whose header has, or lacks, an edit list since", segment=number)


def _order_prefix(key: bytes) -> bytes:
    """Return what the nonces of a file begin with; by chance those of another program do once in 2**56."""
    return hmac.digest(key, b"modos: order of segments", "sha256")[:_PREFIX]
