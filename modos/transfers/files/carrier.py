"""One part of a large file from source to target: read and sent, streamed out of a file or into one, or copied by the service.

Owns which of these, and what makes a part count that was there before. Must not know the whole file, nor who waits.
"""

from functools import partial
from typing import Literal

from modos.storage import Storage
from modos.storage.parts.plan import Body, PartInfo
from modos.storage.spans import md5_of_span
from modos.transfers.files.reading import Chain, Reader, md5_of
from modos.transfers.files.under_way import Part
from modos.transfers.limits import Limiter, Patience

__all__ = ["PartCarrier"]

type Way = Literal["copied", "poured", "streamed", "sent"]


class PartCarrier:
    """Brings parts, each tried again by itself.

    Parameters
    ----------
    source, reader
        From where, and what reads there.
    asking, sending
        How many requests source and target are asked at once.
    patiently
        How long it is tried.
    """

    def __init__(
        self, source: Storage, reader: Reader, *, asking: Limiter, sending: Limiter, patiently: Patience
    ) -> None:
        self._source = source
        self._reader = reader
        self._asking = asking
        self._sending = sending
        self._patiently = patiently

    def way(self, part: Part, *, digested: bool) -> Way:
        """Tell how a part is brought; one that is `digested` for the whole file is held here."""
        if part.step.by == "service" and part.upload.copies_from(self._source):
            return "copied"
        if not digested and part.upload.takes_pieces:
            return "poured"
        return "streamed" if part.upload.streams and self._reader.opens and not digested else "sent"

    def bring(self, part: Part, chain: Chain | None = None) -> PartInfo:
        """Bring a part unless what was found of it is the same, and let a chain digest it; return it as it is stored."""
        way = self.way(part, digested=chain is not None)
        if way == "sent":
            return self._send(part, chain)
        work = {"copied": self._copy, "poured": self._pour, "streamed": self._stream}[way]
        return self._patiently(partial(work, part))

    def _copy(self, part: Part) -> PartInfo:
        file = part.step.file
        etag = None if file.etag is None else file.etag.removesuffix("-slo")
        with self._sending.slot():
            return part.upload.copy(part.index, self._source, file.path, etag=etag)

    def _stream(self, part: Part) -> PartInfo:
        upload, found = part.upload, part.found
        with self._reader.opened(part.step.file) as file:
            if found is not None and md5_of_span(file, *upload.span(part.index)) == found.md5:
                return found
            with self._sending.slot():
                return upload.put_from(part.index, file)

    def _pour(self, part: Part) -> PartInfo:
        upload, found = part.upload, part.found
        if found is not None and upload.has(found):
            return found
        with self._asking.slot():
            return upload.put_by(part.index, partial(self._reader.pour, part.step.file, part.piece))

    def _send(self, part: Part, chain: Chain | None) -> PartInfo:
        """Read a part here, where it is there already, or else from the source, and send what is not there as it is."""
        upload, index, piece, found = part.upload, part.index, part.piece, part.found

        def read(*, proven: bool = False) -> Body:
            with self._asking.slot():
                return self._reader.part(part.step.file, piece, *upload.span(index), proven=proven)

        at_hand = None if found is None else upload.read(index)
        body = self._patiently(read) if at_hand is None else at_hand
        kept = found if found is not None and md5_of(body) == found.md5 else None
        if at_hand is not None and kept is None:  # the disk here has failed since
            body = self._patiently(read)

        def send() -> PartInfo:
            with self._sending.slot():
                return upload.put(index, body, md5=None if piece is None else piece.md5)

        def mend() -> None:
            nonlocal body
            if piece is not None and md5_of(body) != piece.md5:  # it came damaged
                body = self._patiently(lambda: read(proven=True))

        if chain is not None and piece is None:  # before it is sent: clients hold it several times then
            chain.feed(index, body)
        sent = kept or self._patiently(send, mend)
        if chain is not None and piece is not None:  # what came damaged is mended by now
            chain.feed(index, body)
        return sent
