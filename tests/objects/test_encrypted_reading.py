"""Nothing that is decrypted while it is read is written anywhere; and files of pysam over signed addresses."""

import errno
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pysam
import pytest

from modos import MODO
from modos.encryption import format_secret_key, generate_key
from modos.errors import InvalidInputError, KeyNotFoundError, StorageError, UnreachableError
from modos.testing import write_samples

READING = """
import resource, sys
from modos import MODO
import modos.omics.records, modos.omics.regions.reading, pysam, pyarrow
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)) # no byte can be written to any file, in memory or on a disk
try:
    open(sys.argv[2] + "/probe", "wb", buffering=0).write(b"x")
except OSError:
    modo = MODO(sys.argv[1]).unlock(sys.argv[2] + "/ada")
    print(modo.read_region("donor2.bam", "chr21:1-2000").num_rows)
    print(sum(1 for _ in modo.stream_genomics("calls.vcf.gz", "chr21:1-2000")))
    print(len(modo.fetch_sequence("reference.fa", "chr21:11-75")))
    print(len(modo.open("counts.tsv").read()))
"""

SERVING = """
import sys
from modos.testing import FileServer
with FileServer(sys.argv[1]) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"))


def test_nothing_plain_is_written_anywhere(samples, tmp_path):
    """A process that can write to no file reads records, variants, sequences and bytes."""
    key = generate_key()
    (tmp_path / "ada").write_text(format_secret_key(key), encoding="ascii")
    modo = MODO.from_file(samples.description, tmp_path / "study")
    expected = [
        modo.read_region("donor2.bam", "chr21:1-2000").num_rows,
        sum(1 for _ in modo.stream_genomics("calls.vcf.gz", "chr21:1-2000")),
        65,
        len(samples.bam.parent.joinpath("counts.tsv").read_bytes()),
    ]
    modo.encrypt(key.public)
    done = subprocess.run(
        [sys.executable, "-c", READING, modo.url, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(number) for number in expected]


# -- files of pysam -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "s3", "swift", "http"])
def study(request, samples, make_storage, account, tmp_path):
    """The samples as an object where addresses are signed, or need no signature."""
    if request.param == "http":
        MODO.from_file(samples.description, tmp_path / "study")
        served = [
            sys.executable,
            "-c",
            SERVING,
            str(tmp_path),
        ]  # of its own: htslib keeps Python from going on meanwhile
        with subprocess.Popen(served, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            yield MODO(f"{server.stdout.readline().strip()}/study")
            server.stdin.close()
        return
    if request.param == "swift":
        account.ask("POST", "", headers={"X-Account-Meta-Temp-URL-Key": "secret"})
    yield MODO.from_file(samples.description, "study", make_storage(request.param))


def test_pysam_opens_files_where_they_are(study, samples, tmp_path, monkeypatch):
    """Alignments, variants and sequences, by our own copy of the index: the working directory stays empty."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "donor2.bam.bai").write_bytes(b"the index of another file of this name")
    monkeypatch.chdir(work)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with study.open_genomics("donor2.bam") as bam, pysam.AlignmentFile(str(samples.bam)) as local:
        assert isinstance(bam, pysam.AlignmentFile)
        region = ("chr21", 999, 2000)
        expected = [read.to_string() for read in local.fetch(*region)]
        assert [read.to_string() for read in bam.fetch(*region)] == expected != []
        assert [read.to_string() for read in bam.fetch(*region, multiple_iterators=True)] == expected
    with study.open_genomics("donor1.cram") as cram:
        assert [read.to_string() for read in cram.fetch("chr21", 999, 2000)] == [
            read.to_string() for read in study.stream_genomics("donor1.cram", "chr21:1,000-2,000")
        ]
    for name in ("calls.vcf.gz", "calls.bcf"):
        with study.open_genomics(name) as calls:
            assert [str(each) for each in calls.fetch("chr21", 0, 2000)] == [
                str(each) for each in study.stream_genomics(name, "chr21:1-2000")
            ]
    with study.open_genomics("genome") as genome:
        assert genome.fetch("chr21", 10, 75) == study.fetch_sequence("reference.fa", "chr21:11-75")
    assert [each.name for each in work.iterdir()] == ["donor2.bam.bai"]
    del bam, cram, calls, genome
    assert not list(tmp_path.glob("modos-index-*"))


def test_what_pysam_cannot_open_is_told(samples, make_storage, tmp_path):
    """No signature, no index, no such file, no format of pysam's."""
    modo = MODO.from_file(samples.description, "study", make_storage("memory"))
    with pytest.raises(InvalidInputError, match=r"donor2\.bam has no signed address.*use stream_genomics"):
        modo.open_genomics("donor2.bam")
    local = MODO.from_file(samples.description, tmp_path / "study")
    with pytest.raises(InvalidInputError, match=r"'counts\.tsv' has no index by which"):
        local.open_genomics("counts.tsv")
    Path(tmp_path, "study", "donor2.bam.bai").unlink()
    with pytest.raises(KeyNotFoundError, match=r"donor2\.bam\.(bai|csi)"):
        local.open_genomics("donor2.bam")
    Path(tmp_path, "study", "calls.bcf").unlink()
    with pytest.raises(KeyNotFoundError, match=r"calls\.bcf"):
        local.open_genomics("calls.bcf")


@pytest.fixture
def in_s3(samples, make_storage):
    """The samples as an object in S3."""
    return MODO.from_file(samples.description, "study", make_storage("s3"))


@pytest.mark.parametrize(
    ("number", "error", "told"),
    [
        (errno.EPROTONOSUPPORT, UnreachableError, "finds no libcurl on this system"),
        (errno.EIO, StorageError, "pysam cannot open it"),
    ],
)
def test_what_htslib_says_of_a_failure_shows_no_signature(number, error, told, in_s3, monkeypatch):
    """Neither the message nor its causes; a system without libcurl is told what to install."""

    class Failing:
        def __init__(self, address, **options):
            raise OSError(number, f"could not open {address}")

    monkeypatch.setattr(pysam, "AlignmentFile", Failing)
    with pytest.raises(error, match=told) as caught:
        in_s3.open_genomics("donor2.bam")
    shown = "".join(traceback.format_exception(caught.value))
    assert "donor2.bam" in shown
    assert "Signature" not in shown


def test_what_htslib_says_at_the_end_of_a_failure_shows_no_signature(in_s3, monkeypatch):
    """Closing fails where reading has failed, and htslib then names the address, with all that is in it."""

    class Failing(pysam.AlignmentFile):
        def close(self):
            super().close()
            raise PermissionError(errno.EPERM, "Closing failed", self.filename.decode())

    monkeypatch.setattr(pysam, "AlignmentFile", Failing)
    with (
        pytest.raises(StorageError, match=r"donor2\.bam: .*Closing failed") as caught,
        in_s3.open_genomics("donor2.bam"),
    ):
        pass
    assert "Signature" not in "".join(traceback.format_exception(caught.value))
