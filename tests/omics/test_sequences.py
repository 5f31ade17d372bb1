"""Parts of sequences are those of the file, and only they are fetched; references come from wherever they are."""

import hashlib
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pysam
import pytest

from modos.errors import IntegrityError, InvalidInputError, KeyNotFoundError, UnreachableError
from modos.omics import Refget, Region, fetch_sequence, open_fasta, open_indexed
from modos.omics.fasta import Span
from modos.storage import LocalStorage
from modos.testing import Proxy


@pytest.mark.parametrize("packed", [False, True])
def test_a_sequence_is_what_pysam_gives(packed, reference, genome, tmp_path):
    """Random parts, plain and compressed by bgzip, over borders of lines and blocks."""
    path = reference
    if packed:
        path = tmp_path / "x.fa.gz"
        pysam.tabix_compress(str(reference), str(path))
        pysam.faidx(str(path))
    fasta = open_fasta(LocalStorage(path.parent), path.name)
    assert fasta.lengths == {name: len(bases) for name, bases in genome.items()}
    chance = random.Random(3)
    spans = []
    for name in chance.choices(list(genome), k=200):
        start = chance.randrange(len(genome[name]))
        spans.append(Span(name, None, start, start + round(2 ** chance.uniform(0, 18))))
    assert [bases.decode() for bases in fasta.read(spans)] == [
        genome[each.contig][each.start : each.end] for each in spans
    ]


def test_what_a_sequence_costs(reference, account, container):
    """The index, and one request for the bases."""
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        for name in ("reference.fa", "reference.fa.fai"):
            storage.put(reference.parent / name, name)
        proxy.clear()
        assert len(fetch_sequence(storage, "reference.fa", "chrB:1,000,001-1,001,000")) == 1000
        assert [request.method for request in proxy.requests] == ["GET", "GET"]
        assert proxy.requests[1].bytes_received < 1100


def test_mistakes_and_damage_of_fasta(tmp_path):
    """An unknown sequence, a file of reads, a missing, damaged or foreign index are errors that name it."""
    storage = LocalStorage(tmp_path)
    with pytest.raises(
        InvalidInputError, match=r"'x\.bam' is called as a file of BAM is; sequences are read from FASTA"
    ):
        fetch_sequence(storage, "x.bam", "chr1")
    (tmp_path / "x.fa").write_text(">chr1\nACGT\nAC\n>chr2\nAAAA\n")
    with pytest.raises(KeyNotFoundError, match=r"x\.fa\.fai"):
        fetch_sequence(storage, "x.fa", "chr1")
    pysam.faidx(str(tmp_path / "x.fa"))
    assert fetch_sequence(storage, "x.fa", "chr1:4-99") == "TAC"
    with pytest.raises(InvalidInputError, match=r"x\.fa: the region begins at 1,007, and chr1 has 6 bases"):
        fetch_sequence(storage, "x.fa", "chr1:1007-1010")
    with pytest.raises(InvalidInputError, match=r"no contig 'chr3'.*did you mean"):
        fetch_sequence(storage, "x.fa", "chr3")
    (tmp_path / "x.fa.fai").write_text("chr1\t20\t6\t4\t5\n")
    with pytest.raises(IntegrityError, match="its index does not fit"):
        fetch_sequence(storage, "x.fa", "chr1")
    for damaged in ("chr1\t20\n", "chr1\t6\t6\t0\t0\n", "chr1\t6\t6\t4\t5"):
        (tmp_path / "x.fa.fai").write_text(damaged)
        with pytest.raises(IntegrityError, match=r"x\.fa\.fai"):
            fetch_sequence(storage, "x.fa", "chr1")


@pytest.fixture
def refget(genome):
    """A refget service of the genome; yields its address and the queries that it was asked."""
    by_md5 = {hashlib.md5(bases.encode()).hexdigest(): bases for bases in genome.values()}
    asked = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            bases = by_md5.get(parts.path.rpartition("/")[2])
            query = {name: int(value) for name, [value] in parse_qs(parts.query).items()}
            asked.append(query)
            body = b"" if bases is None else bases[query["start"] : query["end"]].encode()
            self.send_response(404 if bases is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["cram 3.0", "cram 3.0 multi", "cram 3.1", "cram 3.1 multi"])
@pytest.mark.parametrize("source", ["path", "storage", "refget"])
def test_a_cram_is_decoded_with_a_reference_from_anywhere(  # noqa: PLR0917 - fixtures
    kind, source, sample, reference, refget, make_storage
):
    """By path, by storage and name, and by MD5 from a refget service; of the latter two only what is needed."""
    made = sample(kind)
    storage = make_storage("swift")
    for name in ("reference.fa", "reference.fa.fai"):
        storage.put(reference.parent / name, name)
    named = {"path": reference, "storage": (storage, "reference.fa"), "refget": refget[0]}[source]
    file = open_indexed(LocalStorage(made.folder), made.name)
    with made.open() as local:
        for region in (("chrA", 70_000, 70_001), ("chrB", 1_000_000, 1_100_000), ("scaffold_1", 5, 700)):
            expected = [read.to_string() for read in local.fetch(*region)]
            found = file.stream(Region(*region), reference=named)
            assert [read.to_string() for read in found] == expected != []
            if source == "refget" and region[0] == "chrA" and kind == "cram 3.0":
                assert 0 < sum(query["end"] - query["start"] for query in refget[1]) < 60_000


def test_a_refget_service_that_cannot_help(refget):
    """A sequence that it does not have, one without MD5, and an address that is none are told."""
    with pytest.raises(KeyNotFoundError, match="sequence/00"):
        Refget(refget[0]).read([Span("a", "00", 0, 5)])
    with pytest.raises(InvalidInputError, match="no MD5"):
        Refget(refget[0]).read([Span("a", None, 0, 5)])
    with pytest.raises(InvalidInputError, match="https://"):
        Refget("ftp://x").read([Span("a", "00", 0, 5)])
    with pytest.raises(UnreachableError, match=r"sequence/00: no connection: \[Errno"):
        Refget("http://127.0.0.1:9").read([Span("a", "00", 0, 5)])
