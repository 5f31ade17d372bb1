"""One file at a time from source to target: read, sent, proven, and noted in the book.

Owns how a small file goes whole and a large one by parts, retries, and what is proven when. Must not know which files
there are, nor in which order they go.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from modos.errors import IntegrityError
from modos.storage import Storage, capabilities
from modos.storage.info import ObjectInfo
from modos.storage.neighbours import copy_by_service
from modos.storage.parts.plan import PartInfo
from modos.storage.parts.rules import WHOLE
from modos.transfers.crew import Crew, Unit
from modos.transfers.digests import DigestBook, Digests, digests_of, is_composite, same_content, version_of
from modos.transfers.files.carrier import PartCarrier
from modos.transfers.files.completing import Completer
from modos.transfers.files.copying import copy_stream, digest_of, digests_if_same
from modos.transfers.files.reading import Reader, md5_of
from modos.transfers.files.under_way import Done, Large, Part, chain_for, shared_size
from modos.transfers.limits import Patience, limiters
from modos.transfers.plan import Step
from modos.transfers.progress import Tally

__all__ = ["Courier"]

SERVICE_WHOLE = 1024 * 1024 * 1024
"""Bytes up to which a service copies a file in one request; larger ones go by parts.

So do those that consist of parts themselves: of a copy in one request nobody knows what tag a listing will give it.
"""

_PASSING = 24 * 1024 * 1024
"""Bytes that a part counts for which is sent or written while it is read: hardly any are held, but more than a few at once
gain nothing."""

_COPIES = 3
"""How many times its size a body takes while it is sent, in buffers of the client."""


class Courier:
    """Moves the files of one transfer.

    Parameters
    ----------
    source, target
        From where, and to where, under the same names.
    crew
        Who does the work.
    book
        Where digests are kept.
    tally
        Told of every advance.
    present
        What the target's listing has, by name.
    workers
        Requests that one host is asked at once, at most.
    full
        Whether every file is read back.
    seen
        When the source was listed, in seconds since 1970.
    noting
        Told of every file that goes in one piece; `None` for nobody.
    """

    def __init__(
        self,
        source: Storage,
        target: Storage,
        *,
        crew: Crew,
        book: DigestBook,
        tally: Tally,
        present: Mapping[str, ObjectInfo],
        workers: int,
        full: bool,
        seen: float,
        noting: Callable[[Step, ObjectInfo, Digests], None] | None = None,
    ) -> None:
        self.done = Done()
        self.burst: list[Unit] = []
        """What is left to do when all that is new is there: small files that replace others, and commits of large ones."""
        self.source = source
        self.target = target
        self._crew = crew
        self._book = book
        self._tally = tally
        self._present = present
        self.full = full
        self._seen = seen
        self._noting = noting
        able = capabilities(target)
        self._keeps = able.can("content_type"), able.can("metadata")
        fetched, sent = source.parts, target.parts
        self._held = max(2 if fetched is None else fetched.fetched, 2 if sent is None else sent.held)
        self._at_hand = isinstance(target.path, Path)
        self._completer = Completer(target, present, self._read_back)
        self._reader = Reader(source, carried=any(self._keeps))
        self._asking, self._sending = limiters(source, target, workers)
        self._patiently = Patience(crew)
        limits = {"asking": self._asking, "sending": self._sending}
        self._carrier = PartCarrier(source, self._reader, **limits, patiently=self._patiently)

    def unit(self, step: Step) -> Unit:
        """Return the work that brings a file; when that goes by parts and replaces another, the burst completes it."""
        file, goes = step.file, self._goes(step)
        if goes == "by parts":
            return Unit(partial(self._begin, step), WHOLE, partial(self._note, file))
        work = {"by service": self._ask_service, "whole": self._send_whole, "streamed": self._send_stream}[goes]
        weight = {"by service": 0, "whole": _COPIES * file.size, "streamed": _COPIES * WHOLE}[goes]
        return Unit(partial(self._once, work, step), weight, partial(self._note, file))

    def goes_by_parts(self, step: Step) -> bool:
        """Tell whether a file goes by parts, so that nothing of it is seen before it is completed."""
        return self._goes(step) == "by parts"

    def _goes(self, step: Step) -> Literal["by service", "whole", "streamed", "by parts"]:
        by_parts = self.target.parts is not None
        if step.by == "service":
            at_once = step.file.size <= SERVICE_WHOLE and not is_composite(step.file)
            return "by service" if at_once or not by_parts else "by parts"
        if step.file.size <= WHOLE:
            return "whole"
        return "by parts" if by_parts else "streamed"

    def _note(self, file: ObjectInfo) -> str:
        return f"while copying {self.source.url_of(file.path)} to {self.target.url_of(file.path)}"

    def _once(self, work: Callable[[Step], None], step: Step) -> Iterable[Unit]:
        self._patiently(partial(work, step), self._restarting(step))
        return ()

    # -- whole files --------------------------------------------------------------------------------------------------

    def _send_whole(self, step: Step) -> None:
        file, name = step.file, str(step.file.path)
        if self._is_there(step):
            return
        with self._asking.slot():
            fetched = self._reader.fetch(file)
        body = fetched.body
        digests = {"md5": md5_of(body), "blake2b": hashlib.blake2b(body).hexdigest()}
        composition = self._reader.composition(file)
        if composition is not None:
            composition.feed(body)
        made = None if composition is None else composition.etag
        self._reader.check(file, made if file.md5 is None else digests["md5"])
        self._book.confirm(self.source, file, digests, seen=self._seen)
        there = self._present.get(name)
        if there is not None and there.size == file.size and same_content(self._known(there), digests):
            self._book.record(self.target, there, digests, seen=self._seen)
            self._finish(step, digests, same=True)
            return
        options = self._options(fetched.file)
        with self._sending.slot():
            stored = self._completer.put(step, body, digests, options)
            url = self.target.url_of(file.path)
            if stored.size != file.size:
                raise IntegrityError(url, f"{stored.size:,} bytes are stored where {file.size:,} were sent")
            if (self.full or stored.md5 != digests["md5"]) and self._read_back(stored) != digests["blake2b"]:
                raise IntegrityError(url, "what is stored is not what was sent")
        self._book.record(self.target, stored, digests)
        self._finish(step, digests, stored)

    def _is_there(self, step: Step) -> bool:
        """Tell whether the target has a file although nobody has noted it, where to read it there takes no request."""
        file, there = step.file, self._present.get(str(step.file.path))
        if there is None or there.size != file.size or step.by == "service" or not self._at_hand:
            return False
        wanted = digests_of(file, self._book.digests(self.source, file))
        found = digests_if_same(self._reader, file, wanted, self.target, there, lambda _: self._crew.go_on())
        if found is None:
            return False
        self._book.record(self.target, there, found, seen=self._seen)
        self._finish(step, found, same=True)
        return True

    def _send_stream(self, step: Step) -> None:
        """Copy a large file in one piece, to a target that takes no parts."""
        file, name = step.file, str(step.file.path)
        described = self._reader.described(file)
        stored, digests = copy_stream(
            self.source, self.target, file, partial(self._advance, name), options=self._options(described)
        )
        self._book.confirm(self.source, file, digests, seen=self._seen)
        self._book.record(self.target, stored, digests)
        self._finish(step, digests, stored)

    def _ask_service(self, step: Step) -> None:
        file = step.file
        known = dict(digests_of(file, self._book.digests(self.source, file)))
        with self._sending.slot():
            self._completer.look(step, known)
            stored = copy_by_service(self.source, self.target, file)
        if self.full:
            self._compare(file, stored, known)
        self._book.record(self.target, stored, known)
        self._finish(step, known, stored, by_service=True)

    # -- large files --------------------------------------------------------------------------------------------------

    def begin(self, step: Step, *, again: bool = False, in_order: bool = True) -> Large:
        """Begin a large file, or continue it.

        Parameters
        ----------
        step
            The file.
        again
            Whether it was damaged on its way before.
        in_order
            Whether its parts will be read here one after the other, so that it can be digested as a whole.
        """
        large = self._patiently(partial(self._opened, step, again=again, in_order=in_order), self._restarting(step))
        name = str(step.file.path)
        if in_order or not large.needs_order:  # else it is begun anew by whoever reads it in order
            self._tally.began(name, step.file.size)
            self._tally.moved(name, large.resumed)
        return large

    def _opened(self, step: Step, *, again: bool, in_order: bool) -> Large:
        file, name, parts, by_service = step.file, str(step.file.path), self.target.parts, step.by == "service"
        assert parts is not None
        described, makeup = self._reader.described(file), self._reader.makeup(file)
        shared = shared_size(parts, file.size, makeup, by_service=by_service)
        if by_service and makeup is not None and shared is None:  # what the service makes of it would prove nothing
            return self._opened(replace(step, by="client"), again=again, in_order=in_order)
        version = version_of(file) or (file.last_modified and f"{file.size}:{file.last_modified}") or uuid4().hex
        with self._sending.slot():
            upload = parts.begin(
                file.path,
                size=file.size,
                origin=f"{self.source.url_of(name)} {version}",
                part_size=shared or parts.size_for(file.size),
                **self._options(described),
            )
            found = dict(upload.stored())
        known, chain = self._book.digests(self.source, file), None
        if in_order and not by_service:
            go_on, full = self._crew.go_on, self.full
            chain = chain_for(go_on, file, upload, makeup, known=known, found=found, full=full)
        is_doubtful = upload.streams and self._reader.opens  # who was killed may not have compared what was streamed
        looked_at = chain is not None or is_doubtful or (in_order and self._at_hand)  # a disk may have failed since
        return Large(step, upload, {} if looked_at else dict(found), chain, again, makeup, found)

    def _begin(self, step: Step, *, again: bool = False) -> Iterable[Unit]:
        """Begin a large file, and return the work for its parts."""
        if not again and self._is_there(step):
            return ()
        large = self.begin(step, again=again)
        return [self._part_unit(large, index) for index in large.missing] or self.closing(large)

    def _part_unit(self, large: Large, index: int) -> Unit:
        """Return the work that brings a part."""
        part = large.part(index)
        held = self._held * large.upload.part_size
        poured = _PASSING if self._reader.pours else held
        weights = {"copied": 0, "poured": poured, "streamed": _PASSING, "sent": held}
        weight = weights[self._carrier.way(part, digested=large.chain is not None)]
        return Unit(partial(self._bring, large, part), weight, partial(self._note, large.step.file))

    def _bring(self, large: Large, part: Part) -> Iterable[Unit]:
        stored = self._carrier.bring(part, large.chain)
        large.take(stored)  # behind the chain: whoever takes the last one closes the file
        return self._arrived(large, stored.size)

    def _arrived(self, large: Large, size: int) -> Iterable[Unit]:
        self._advance(str(large.step.file.path), size)
        return self.closing(large) if large.ends() else ()

    def arrived(self, large: Large, part: PartInfo) -> Iterable[Unit]:
        """Take note of a part that somebody else has stored, and return the work that follows from it."""
        found = large.found.get(part.index)
        large.take(found if found == part else part)  # what an earlier transfer has brought is known by its identity
        return self._arrived(large, part.size)

    def carried(self, step: Step, stored: ObjectInfo, digests: Digests) -> None:
        """Take note of a file that somebody else has brought."""
        digests = self._book.confirm(self.source, step.file, digests, seen=self._seen)
        self._book.record(self.target, stored, digests)
        self._finish(step, digests, by_service=step.by == "service")

    def closing(self, large: Large) -> Iterable[Unit]:
        """Return the work that completes a large file, or keep it for the burst."""
        unit = Unit(partial(self._close, large), 0, partial(self._note, large.step.file))
        # what is sent again belongs to the burst already, which is not carried out a second time
        if large.again or large.step.action != "replace":
            return (unit,)
        with self.done.lock:
            self.burst.append(unit)
        return ()

    def _close(self, large: Large) -> Iterable[Unit]:
        """Make the file of its parts, if they are of the file that was listed."""
        step, file, name = large.step, large.step.file, str(large.step.file.path)
        # what is known of this version holds of bytes that make its ETag, and of those that the service copies by itself
        is_proven = step.by == "service" or large.etag == file.etag
        told = digests_of(file, self._book.digests(self.source, file)) if is_proven else {}
        try:
            self._reader.check(file, large.etag)
            known = self._book.confirm(self.source, file, {**told, **large.digests}, seen=self._seen)
        except IntegrityError:
            large.upload.abort()
            if large.again:
                raise
            self._tally.restarted(name)
            return self._begin(step, again=True)
        digests = {**known, **large.digests}
        self._book.flush()  # whoever is killed at the commit finds the file there, and must know it
        stored = self._patiently(partial(large.upload.commit, large.ordered))
        if self.full:
            self._compare(file, stored, digests)
        self._book.record(self.source, file, {**digests, **digests_of(stored)}, seen=self._seen)
        self._book.record(self.target, stored, digests)
        self._book.flush()
        self.done.resume(large.resumed)
        self._finish(step, digests, stored, by_service=step.by == "service")
        return ()

    def _compare(self, file: ObjectInfo, stored: ObjectInfo, digests: dict[str, str]) -> None:
        """Read a file back, and the source too where nobody has read all of it as it was brought."""
        expected = digests.get("blake2b") or digest_of(self.source, file, lambda _: self._crew.go_on())
        if self._read_back(stored) != expected:
            raise IntegrityError(self.target.url_of(file.path), "what is stored is not what was sent")
        digests["blake2b"] = expected

    # -- what they share ----------------------------------------------------------------------------------------------

    def _known(self, there: ObjectInfo) -> Digests:
        """Return what is known of a file that the target has; of one that nobody has noted, what to read it here tells."""
        known = digests_of(there, self._book.digests(self.target, there))
        return known if known or not self._at_hand else {"blake2b": self._read_back(there)}

    def _options(self, file: ObjectInfo) -> dict[str, Any]:
        """Return content type and metadata as far as the target keeps them."""
        content_type, metadata = self._keeps
        return {
            "content_type": file.content_type or None if content_type else None,
            "metadata": dict(file.metadata) if metadata else None,
        }

    def _read_back(self, stored: ObjectInfo) -> str:
        return digest_of(self.target, stored, lambda _: self._crew.go_on())

    def _restarting(self, step: Step) -> Callable[[], None]:
        return partial(self._tally.restarted, str(step.file.path))

    def _advance(self, name: str, size: int) -> None:
        self._crew.go_on()
        if size:
            self._tally.moved(name, size)

    def _finish(
        self,
        step: Step,
        digests: Digests,
        stored: ObjectInfo | None = None,
        *,
        same: bool = False,
        by_service: bool = False,
    ) -> None:
        name, size, done = str(step.file.path), step.file.size, self.done
        if stored is not None and self._noting is not None:
            self._noting(step, stored, digests)
        done.count(name, size, digests.get("blake2b"), same=same, by_service=by_service)
        self._tally.finished(name, size)
