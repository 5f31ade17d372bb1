"""Stretches of a file as they arrive, cut so that they begin and end with whole records.

Owns the borders: blocks that hold records of others as well are opened and packed anew, all between pass as they are.
Must not know where bytes come from or who reads them.
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import chain

from modos.omics.regions.bgzf import END_OF_FILE, LONGEST_BLOCK, MalformedError, block_of, blocked, open_block
from modos.omics.regions.containers import LONGEST_HEADER, parse_container
from modos.omics.regions.planning import Stretch

__all__ = ["cut_blocks", "cut_containers", "lines"]

_CONTIG_AT = {"bam": 4, "bcf": 8}
"""Where a record has the number of its contig."""


def cut_blocks(
    pieces: Iterable[bytes], stretch: Stretch, *, kind: str, name: bytes = b"", column: int = 0
) -> Iterator[bytes]:
    """Yield blocks with exactly the records of a stretch.

    Parameters
    ----------
    pieces
        The bytes from `stretch.start` to `stretch.end`, in order.
    stretch
        What was asked for.
    kind
        Which format it is, since its first record is looked at.
    name
        What that record's contig is called; empty when that is not known.
    column
        In which column of a line the contig stands, from zero.

    Raises
    ------
    MalformedError
        When there are no blocks where the index says, or other records.
    """
    arriving = _to_end(pieces) if stretch.to_end else iter(pieces)
    last, rest = stretch.last >> 16, stretch.last & 0xFFFF
    data = _at_least(LONGEST_BLOCK, arriving)
    content, end = _opened(data, stretch.start)
    begin = stretch.first & 0xFFFF
    _check_first(content, begin, kind=kind, contig=stretch.contig, name=name, column=column)
    if stretch.start == last:
        yield blocked(_within(content, begin, rest))
        return
    yield blocked(_within(content, begin, len(content)))
    position = stretch.start + end
    data = data[end:]
    for piece in chain((data,), arriving):
        if position + len(piece) > last:
            data = piece
            break
        yield piece
        position += len(piece)
        data = b""
    if position > last or position + len(data) < last:
        message = f"there is no border of blocks at byte {last:,}, where the index has one"
        raise MalformedError(message)
    yield data[: last - position]
    if stretch.to_end:
        yield from arriving
    if rest:
        content, _ = _opened(data[last - position :] + b"".join(arriving), last)
        yield blocked(_within(content, 0, rest))


def _to_end(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes up to the end of a file, and see that it is the end of a whole one."""
    tail = b""
    for piece in pieces:
        yield piece
        tail = (tail + piece)[-len(END_OF_FILE) :]
    if tail != END_OF_FILE:
        message = "the file is cut off: it does not end with an empty block"
        raise MalformedError(message)


def cut_containers(pieces: Iterable[bytes], stretch: Stretch, *, version: int) -> Iterator[bytes]:
    """Yield the containers of a stretch as they are, and see that it begins and ends with whole ones.

    Raises
    ------
    MalformedError
        When there are no containers where the index says.
    """
    arriving = iter(pieces)
    held, position, border = b"", stretch.start, stretch.start
    while position < stretch.last:
        if border >= position + len(held):
            yield held
            position += len(held)
            held = next(arriving, b"")
            if not held:
                break
            continue
        yield held[: border - position]
        held = held[border - position :]
        position = border
        held += _at_least(LONGEST_HEADER - len(held), arriving)
        try:
            border = position + parse_container(held, 0, version=version).end
        except MalformedError as error:
            message = f"no CRAM container begins at byte {position:,}, where the index has one"
            raise MalformedError(message) from error
    if not position == border == stretch.last:
        message = f"there is no border of containers at byte {stretch.last:,}, where the index has one"
        raise MalformedError(message)


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines in blocks, without their ends.

    Raises
    ------
    MalformedError
        When a block is damaged.
    """
    held, text = b"", b""
    for piece in pieces:
        held += piece
        position = 0
        while position < len(held):
            try:
                block_of(held, position)
            except MalformedError:
                if len(held) - position > LONGEST_BLOCK:
                    raise
                break
            content, position = open_block(held, position)
            *whole, text = (text + content).split(b"\n")
            yield from whole
        held = held[position:]
    if held:
        message = "the data end within a BGZF block"
        raise MalformedError(message)
    if text:
        yield text


def _at_least(size: int, pieces: Iterator[bytes]) -> bytes:
    """Return the next pieces, as many as it takes; less when there are no more."""
    taken = []
    while size > 0 and (piece := next(pieces, b"")):
        taken.append(piece)
        size -= len(piece)
    return b"".join(taken)


def _opened(data: bytes, place: int) -> tuple[bytes, int]:
    try:
        return open_block(data, 0)
    except MalformedError as error:
        message = f"at byte {place:,}, where the index has records: {error}"
        raise MalformedError(message) from error


def _within(content: bytes, start: int, end: int) -> bytes:
    if not start <= end <= len(content):
        message = "a block is shorter than the index says"
        raise MalformedError(message)
    return content[start:end]


def _check_first(content: bytes, begin: int, *, kind: str, contig: int | None, name: bytes, column: int) -> None:
    """Refuse a first record that is none, or of another contig; one that goes on in the next block is believed."""
    record = content[begin:]
    if contig is None:
        return
    if kind in _CONTIG_AT:
        place = _CONTIG_AT[kind]
        found = struct.unpack_from("<i", record, place)[0] if len(record) >= place + 4 else contig
        fits = found == contig
    else:
        before = content[begin - 1 : begin] or b"\n"
        cells = record.partition(b"\n")[0].split(b"\t", column + 1)
        fits = before == b"\n" and (len(cells) < column + 2 or not name or cells[column] == name)
    if not fits:
        message = "the index points to records of another contig, or into the middle of one: it is that of another file"
        raise MalformedError(message)
