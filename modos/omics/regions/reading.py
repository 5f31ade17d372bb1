"""Records of regions from a file in any storage: its index and header are read once, then only what a region needs.

Owns `IndexedFile`. Must not know digital objects, nor how bytes are laid out in a file.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import PurePath
from threading import Lock
from typing import Any

from modos._lazy import require
from modos.errors import IntegrityError, KeyNotFoundError
from modos.omics.files import Files
from modos.omics.regions.bgzf import MalformedError
from modos.omics.regions.bodies import Blocks, Body, Containers, headed
from modos.omics.regions.containers import Slice
from modos.omics.regions.cutting import lines
from modos.omics.regions.feeding import Pipe, fetched
from modos.omics.regions.layouts import Layout, layout_of
from modos.omics.regions.overlaps import alignments, place_of_line, place_of_variant, placed
from modos.omics.regions.planning import WITHOUT_PLACE, Stretch
from modos.omics.regions.references import (
    Contig,
    Digests,
    Need,
    Reference,
    contigs_of,
    laid_out,
    refuse_another,
    sequences_of,
)
from modos.omics.regions.spelling import LAST_POSITION, UNPLACED, Intervals, Region, Wanted, parse_region, union
from modos.storage import ObjectInfo

__all__ = ["IndexedFile", "Regions", "open_indexed", "quietly", "stream_records"]

type Regions = Wanted | Iterable[Wanted] | None
"""One region, several, or `None` for the whole file."""

_PYSAM_FAILS = (OSError, ValueError, TypeError)
"""What pysam raises on damaged files; the last when it makes a message of a file that has no name."""

_ENCODINGS = ("utf-8", "latin-1")
_HEAD = 64 * 1024
_LONGEST_HEAD = 1 << 28

_QUIET = Lock()
_LOUDNESS: list[int] = []
"""How loud htslib was when each of those came who want it quiet now."""


def open_indexed(storage: Files, target: str | PurePath, *, index: str | PurePath | None = None) -> "IndexedFile":
    """Read the index and the header of a file, in three requests at once; a long header takes one more.

    Parameters
    ----------
    storage, target
        The file: BAM, CRAM, BCF, or VCF, SAM, BED, GFF or GTF compressed by bgzip.
    index
        Name of its index in the storage; `None` for the file's name with the suffix of its format.

    Raises
    ------
    InvalidInputError
        When files of its format have no regions.
    KeyNotFoundError
        When the file or its index is not there.
    IntegrityError
        When the index cannot be read or is that of another file; names it.
    """
    name, layout = str(target), layout_of(str(target))
    names = tuple(name + suffix for suffix in layout.indexes) if index is None else (str(index),)
    with ThreadPoolExecutor(2) as pool:
        information = pool.submit(storage.stat, name)
        found = pool.submit(_read_index, storage, names)
        head = storage.read(name, 0, _HEAD)
        info = information.result()
        index_name, content = found.result()
    kind = Containers if layout.name == "cram" else Blocks
    with _naming(storage, index_name, name):
        body: Body = kind.of(content, head, size=info.size, kind=layout.name)
        longest = min(info.size, _LONGEST_HEAD)
        while isinstance(body, Blocks) and body.first is None and layout.name == "bam" and len(head) < longest:
            head = storage.read(name, 0, min(2 * len(head), longest))
            body = Blocks.of(content, head, size=info.size, kind=layout.name)
    if body.header.end > len(head):
        head += storage.read(name, len(head), body.header.end)
    with _naming(storage, index_name, name):
        header = headed(body, head)
    return IndexedFile(storage, name, layout, body, header, info)


@dataclass(frozen=True, eq=False)
class IndexedFile:
    """A file whose index and header are at hand: each region then costs one request, or few.

    Valid as long as the file is not replaced; one that was is noticed, when its bytes do not fit the index.

    Attributes
    ----------
    storage, target
        Where it is.
    layout
        Its format.
    info
        Size and tag that it had when it was opened.
    """

    storage: Files
    target: str
    layout: Layout
    _body: Body = field(repr=False)
    _header: bytes = field(repr=False)
    info: ObjectInfo = field(repr=False)
    contigs: tuple[Contig, ...] = field(init=False, repr=False)
    _numbers: Mapping[str, int] = field(init=False, repr=False)
    _digests: Digests = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        with self.decoding():
            contigs, numbers = self._named()
        object.__setattr__(self, "contigs", contigs)
        object.__setattr__(self, "_numbers", numbers)

    @property
    def url(self) -> str:
        """Its address."""
        return self.storage.url_of(self.target)

    def header(self) -> Any:  # noqa: ANN401 - pysam ships no types
        """Return the header as pysam has it; `None` for lines."""
        if self.layout.reader == "lines":
            return None
        with self._opened(iter((self._header, self._body.ending))) as (file, _):
            return file.header

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Name the file where its header, or a record of it, is made text and is not in UTF-8.

        Raises
        ------
        IntegrityError
            Then.
        """
        try:
            yield
        except UnicodeDecodeError as error:
            near = error.object[max(error.start - 30, 0) : error.start + 10]
            raise IntegrityError(self.url, f"has text that is not in UTF-8: {near!r}") from error

    def regions(self, regions: Regions) -> list[Region]:
        """Return regions as they were meant, checked against the contigs of the file.

        Raises
        ------
        InvalidInputError
            When one cannot be read, or there is no such contig.
        """
        if regions is None:
            return []
        names = {contig.name: contig for contig in self.contigs}
        texts = list(regions) if isinstance(regions, Iterable) and not isinstance(regions, str) else [regions]
        return [parse_region(text, names, file=self.url) for text in texts]

    def stream(self, regions: Regions = None, *, reference: Reference | None = None) -> Generator[Any]:
        """Yield the records that overlap regions, as pysam has them; exactly those it gives on the file at hand.

        Parameters
        ----------
        regions
            One, several, or `None` for the whole file. Of several, the union is given: each record once, in the order of
            the file. `"*"` are the reads without a place.
        reference
            What a CRAM file was compressed against: the path of a FASTA file, a storage and target, the address of a
            refget service, or anything that gives sequences. Only what the region needs of it is fetched. `None` leaves
            it to htslib, which looks where the header points to on this machine.

        Raises
        ------
        InvalidInputError
            When a region cannot be read, or there is no such contig. Raised by the call itself.
        IntegrityError
            When the file is damaged or cut off, is not that of the index, or its reference is missing or another.
        """
        wanted = None if regions is None else union(self.regions(regions))
        return self._stream(wanted, reference)

    def _stream(self, wanted: Mapping[str, Intervals] | None, reference: Reference | None) -> Generator[Any]:
        stretches, slices = (self._body.everything, ()) if wanted is None else self._plan(wanted)
        content = self._content(stretches)
        if self.layout.reader == "lines":
            yield from self._lines(content, wanted)
            return
        with ExitStack() as stack:
            needs = self._needs(slices, everything=wanted is None)
            path = None
            if reference is not None and self.layout.name == "cram":
                sequences = sequences_of(reference)
                refuse_another(sequences, needs, self._digests, only=wanted)
                path = stack.enter_context(laid_out(sequences, self.contigs, needs))
            whole = chain((self._header,), content, (self._body.ending,))
            file, pipe = stack.enter_context(self._opened(whole, path))
            try:
                finished = yield from self._chosen(file, wanted)
            except _PYSAM_FAILS as error:
                _close(file)  # or the pipe waits for its reader
                pipe.check()
                raise self._unreadable(error, reference) from error
            if not finished:
                pipe.check()

    def _chosen(self, file: Any, wanted: Mapping[str, Intervals] | None) -> Generator[Any, None, bool]:  # noqa: ANN401 - pysam ships no types
        """Yield those records of an open file that were asked for; return whether it was left before its end."""
        is_variants = self.layout.reader == "variants"
        records = file if is_variants else file.fetch(until_eof=True)  # which takes files without contigs as well
        if wanted is None:
            yield from records
            return False
        if is_variants:
            return (yield from placed(records, wanted, place_of_variant))
        return (yield from alignments(records, self._by_number(wanted)))

    def _by_number(self, wanted: Mapping[str, Intervals]) -> dict[int, Intervals]:
        """Return intervals by the number of their contig in the index; those that it does not know have no records."""
        numbered = {self._numbers[name]: some for name, some in wanted.items() if name in self._numbers}
        if UNPLACED in wanted:
            numbered[WITHOUT_PLACE] = ((-1, LAST_POSITION),)
        return numbered

    def _plan(self, wanted: Mapping[str, Intervals]) -> tuple[tuple[Stretch, ...], tuple[Slice, ...]]:
        return self._body.plan(self._by_number(wanted))

    def _content(self, stretches: Sequence[Stretch]) -> Iterator[bytes]:
        names = {number: name for name, number in self._numbers.items()}
        for stretch, pieces in fetched(self.storage, self.target, stretches):
            first = "" if stretch.contig is None else names.get(stretch.contig, "")
            yield from self._body.cut(pieces, stretch, first)

    def _lines(self, content: Iterator[bytes], wanted: Mapping[str, Intervals] | None) -> Generator[Any]:
        pysam = _pysam()
        parser = getattr(pysam, self.layout.mode)
        parse = {encoding: parser(encoding) for encoding in _ENCODINGS}
        columns = self._body.columns
        assert columns is not None
        mark = columns.comment.encode()
        records = (line for line in lines(content) if line and not (mark and line.startswith(mark)))
        try:
            if wanted is not None:
                records = placed(records, wanted, place_of_line(columns))  # type: ignore[assignment] # one with a result
            for line in records:
                yield parse[_encoding(line)](line, len(line))
        except (MalformedError, ValueError, IndexError) as error:
            raise IntegrityError(self.url, str(error)) from error

    @contextmanager
    def _opened(self, content: Iterator[bytes], reference: str | None = None) -> Iterator[tuple[Any, Pipe]]:
        pysam = _pysam()
        with Pipe(content, self.url) as pipe:
            try:
                with quietly():
                    if self.layout.reader == "variants":
                        file = pysam.VariantFile(pipe.fileno(), self.layout.mode)
                    else:
                        options = {"check_sq": False, "reference_filename": reference}
                        file = pysam.AlignmentFile(pipe.fileno(), self.layout.mode, **options)
            except _PYSAM_FAILS as error:
                pipe.release()
                pipe.check()
                raise self._unreadable(error, None) from error
            pipe.release()
            try:
                yield file, pipe
            finally:
                _close(file)

    def _named(self) -> tuple[tuple[Contig, ...], dict[str, int]]:
        """Return the contigs, and which number each has in the index."""
        names = self._body.names
        header = self.header()
        match self.layout.reader:
            case "alignments":
                contigs = contigs_of(header.to_dict())
                return contigs, {contig.name: number for number, contig in enumerate(contigs)}
            case "variants":
                known = {name: Contig(name, each.length or 0) for name, each in header.contigs.items()}
                numbers = {name: each.id for name, each in header.contigs.items()}
                if self.layout.name == "vcf":
                    numbers = {name: number for number, name in enumerate(names or ())}
                return tuple({**{name: Contig(name, 0) for name in names or ()}, **known}.values()), numbers
        return tuple(Contig(name, 0) for name in names or ()), {name: at for at, name in enumerate(names or ())}

    def _needs(self, slices: Sequence[Slice], *, everything: bool) -> list[Need]:
        """Return what slices need of the reference."""
        if not isinstance(self._body, Containers):
            return []
        chosen = self._body.index.slices if everything else slices
        shared = self._body.index.shared()
        return [
            Need(self.contigs[each.contig], each.start - 1, each.start - 1 + each.span, each.container in shared)
            for each in chosen
            if 0 <= each.contig < len(self.contigs)
        ]

    def _unreadable(self, error: Exception, reference: Reference | None) -> IntegrityError:
        reason = f"the records cannot be read ({' '.join(str(error).split())}): the file is damaged"
        if self.layout.name == "cram":
            which = "its reference is not at hand; name it" if reference is None else "the reference is another"
            reason += f", or {which}"
        return IntegrityError(self.url, reason)


def stream_records(
    storage: Files,
    target: str | PurePath,
    regions: Regions = None,
    *,
    reference: Reference | None = None,
    index: str | PurePath | None = None,
) -> Generator[Any]:
    """Yield the records of a file that overlap regions, as pysam has them.

    The same as `open_indexed(storage, target, index=index).stream(regions, reference=reference)`; whoever asks for more
    than one region keeps what `open_indexed` returns, and saves the requests for index and header.
    """
    return open_indexed(storage, target, index=index).stream(regions, reference=reference)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep htslib from writing to standard error meanwhile what it thinks of a header; what goes wrong is raised.

    How loud it is holds for the whole process: the last of several threads that leave makes it as loud as it was.
    """
    set_verbosity = _pysam().set_verbosity
    with _QUIET:
        _LOUDNESS.append(set_verbosity(0))
    try:
        yield
    finally:
        with _QUIET:
            before = _LOUDNESS[0]
            _LOUDNESS.pop()
            if not _LOUDNESS:
                set_verbosity(before)


def _read_index(storage: Files, names: Sequence[str]) -> tuple[str, bytes]:
    """Return the first index that is there, with its name."""
    for name in names[:-1]:
        try:
            return name, storage.read(name)
        except KeyNotFoundError:
            continue
    try:
        return names[-1], storage.read(names[-1])
    except KeyNotFoundError as error:
        error.add_note(f"regions need an index, which is called {' or '.join(names)}; 'modos index' makes it")
        raise


def _encoding(line: bytes) -> str:
    """Return the encoding of a line of text: what is no UTF-8 was written before it was usual."""
    try:
        line.decode(_ENCODINGS[0])
    except UnicodeDecodeError:
        return _ENCODINGS[1]
    return _ENCODINGS[0]


@contextmanager
def _naming(storage: Files, index: str, target: str) -> Iterator[None]:
    """Name the index and the file that does not fit it."""
    try:
        yield
    except MalformedError as error:
        raise IntegrityError(storage.url_of(index), f"as the index of {target}: {error}") from error


def _close(file: Any) -> None:  # noqa: ANN401 - pysam ships no types
    """Close a file of pysam, which after a failure fails once more."""
    with suppress(*_PYSAM_FAILS):
        file.close()


_pysam = partial(require, "pysam", extra="genomics", purpose="reading regions")
