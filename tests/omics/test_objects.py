"""An object reads its own files by region, in Python and on the command line."""

import gzip

import pysam
import pytest

from modos import MODO
from modos.cli import main
from modos.errors import IntegrityError, InvalidInputError
from modos.testing import Proxy, write_samples


@pytest.fixture
def files(tmp_path):
    return write_samples(tmp_path / "samples")


@pytest.fixture
def study(files, tmp_path):
    """The samples as an object on this machine."""
    return MODO.from_file(files.description, tmp_path / "study")


def by_suffix(modo, suffix):
    return next(str(path) for path in modo.list_files() if str(path).endswith(suffix))


def test_regions_of_an_object(study, files):
    """By the file's name and by its element; the reference of a CRAM is found by its element's link."""
    with pysam.AlignmentFile(str(files.cram), reference_filename=str(files.reference)) as local:
        contig = local.references[0]
        expected = [read.to_string() for read in local.fetch(contig, 999, 2000)]
    cram = by_suffix(study, ".cram")
    element = next(key for key, said in study.metadata.items() if said.get("data_path") == cram)
    for name in (cram, element, element.partition("/")[2]):
        assert [read.to_string() for read in study.stream_genomics(name, f"{contig}:1,000-2,000")] == expected != []
    by_path = study.stream_genomics(cram, f"{contig}:1,000-2,000", reference=files.reference)
    assert [read.to_string() for read in by_path] == expected
    by_name = study.stream_genomics(cram, f"{contig}:1,000-2,000", reference=by_suffix(study, ".fa"))
    assert [read.to_string() for read in by_name] == expected
    assert study.read_region(cram, f"{contig}:1000-2000", columns=["name"]).num_rows == len(expected)
    with pytest.raises(InvalidInputError, match=r"is no file of the object.*did you mean"):
        study.stream_genomics(cram + "x")


def test_what_regions_of_a_remote_object_cost(files, account, container):
    """Index and header are kept: the next region takes one look at the file, and one request."""
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        modo = MODO.from_file(files.description, "study", storage)
        bam = by_suffix(modo, ".bam")
        proxy.clear()
        first = modo.read_region(bam, "chr21:1-300")
        assert len(proxy.requests) == 4
        proxy.clear()
        assert modo.read_region(bam, "chr21:1-300").equals(first)
        assert [request.method for request in proxy.requests] == ["HEAD", "GET"]
        modo.index_file(bam)
        proxy.clear()
        assert modo.read_region(bam, "chr21:1-300").equals(first)
        assert len(proxy.requests) == 4


@pytest.mark.parametrize(
    ("source", "target"),
    [(".bam", "x.bam"), (".bam", "x.cram"), (".cram", "x.sam"), (".vcf.gz", "x.vcf.gz"), (".bcf", "x.vcf")],
)
def test_a_region_is_written_as_a_file(source, target, study, tmp_path, capfd):
    """`modos stream -o` writes what pysam reads back, with the header; nothing else is left beside it."""
    name, path = by_suffix(study, source), tmp_path / "out" / target
    path.parent.mkdir()
    assert main(["stream", study.url, name, "--region", "chr21:1,000-2,000", "-o", str(path)]) == 0
    expected = [str(record) for record in study.stream_genomics(name, "chr21:1000-2000")]
    opened = pysam.VariantFile if "cf" in source else pysam.AlignmentFile
    with opened(str(path)) as written:
        assert len(list(written)) == len(expected) > 0
        assert "chr21" in str(written.header)
    assert list(path.parent.iterdir()) == [path]
    assert main(["stream", study.url, name, "--region", "chr21", "-o", str(tmp_path / "x.csv")]) == 1
    assert "cannot hold them" in capfd.readouterr().err


@pytest.mark.parametrize("command", ["stream", "table"])
def test_where_nothing_can_be_written_is_told_as_it_was_given(command, study, tmp_path, capfd):
    """No directory, or one in place of the file: the error names the path, and no other; nothing is left."""
    name, suffix = (".bam", ".bam") if command == "stream" else (".mztab", ".parquet")
    (tmp_path / f"full{suffix}").mkdir(exist_ok=True)
    for path in (tmp_path / "none" / f"x{suffix}", tmp_path / f"full{suffix}"):
        before = sorted(tmp_path.iterdir())
        assert main([command, study.url, by_suffix(study, name), "-o", str(path)]) == 1
        (line,) = capfd.readouterr().err.splitlines()
        assert f"'{path}' cannot be written: " in line
        assert ".." not in line.replace(str(path), "")
        assert sorted(tmp_path.iterdir()) == before


def test_commands(study, tmp_path, capfd):
    """Records come as text with the header, sequences as FASTA, and `index` says what it made."""
    bed = tmp_path / "genes.bed"
    bed.write_text("chr21\t999\t2000\nchr21\t1500\t2100\n")
    assert main(["stream", study.url, by_suffix(study, ".vcf.gz"), "--regions", str(bed)]) == 0
    lines = capfd.readouterr().out.splitlines()
    records = list(study.stream_genomics(by_suffix(study, ".vcf.gz"), "chr21:1000-2100"))
    assert lines[0].startswith("##fileformat=VCF")
    assert [line for line in lines if line[0] != "#"] == [str(record).rstrip("\n") for record in records] != []
    fasta = by_suffix(study, ".fa")
    assert main(["fetch-sequence", study.url, fasta, "chr21:11-75"]) == 0
    shown = capfd.readouterr().out.splitlines()
    assert (shown[0], [len(line) for line in shown[1:]]) == (">chr21:11-75", [60, 5])
    assert "".join(shown[1:]) == study.fetch_sequence(fasta, "chr21:11-75")
    bam = by_suffix(study, ".bam")
    study.storage.remove(f"{bam}.bai")
    assert main(["stream", study.url, bam, "--region", "chr21"]) == 1
    assert "modos index" in capfd.readouterr().err
    assert main(["index", study.url, bam]) == 0
    assert capfd.readouterr().out.split() == [f"{bam}.bai"]
    assert main(["stream", study.url, bam, "--region", "chr22222"]) == 1
    assert "there is no contig 'chr22222'" in capfd.readouterr().err


def test_a_bed_file_may_be_compressed_and_its_mistakes_are_told(study, tmp_path, capfd):
    """What is behind the positions need not be text that can be read; a file that is no BED is called so."""
    calls = by_suffix(study, ".vcf.gz")
    bed = tmp_path / "genes.bed"
    written = []
    for content in (b"chr21\t999\t2000\tM\xfcller\n", gzip.compress(b"chr21\t999\t2000\n")):
        bed.write_bytes(content)
        assert main(["stream", study.url, calls, "--regions", str(bed)]) == 0
        written.append(capfd.readouterr().out)
    assert written[0] == written[1]
    assert main(["stream", study.url, calls, "--regions", str(tmp_path)]) == 2
    assert "is a directory" in capfd.readouterr().err
    for content, told in (
        (b"\x92\xff\n", "line 1 of "),
        (gzip.compress(b"chr21\t999\t2000\n")[:-9], "is cut off"),
        (b"chr21\t5\n", "line 1 of "),
    ):
        bed.write_bytes(content)
        assert main(["stream", study.url, calls, "--regions", str(bed)]) == 1
        (line,) = capfd.readouterr().err.splitlines()
        assert told in line
        assert bed.name in line
        assert "defect" not in line


def test_a_damaged_file_is_one_sentence(study, capfd):
    """htslib is kept from writing beside it."""
    bam = by_suffix(study, ".bam")
    data = bytearray(study.storage.read(bam))
    data[len(data) // 2] ^= 255
    study.storage.put(bytes(data), bam)
    assert main(["stream", study.url, bam]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert f"{bam}: the records cannot be read" in line


def test_files_that_are_not_what_they_should_be_are_told_when_they_are_added(study, files, tmp_path, capfd):
    """They are added, and what is wrong stands on standard error; `check_files` says it again."""
    alone = tmp_path / "alone.bam"
    alone.write_bytes(files.bam.read_bytes())
    element = '{"@type": "DataEntity", "id": "x", "data_format": "CRAM"}'
    assert main(["add", study.url, "--element", element, "--source-file", str(alone)]) == 0
    out, err = capfd.readouterr()
    assert out.split() == ["data/x"]
    assert "alone.bam is said to be CRAM, and its content is BAM" in err
    assert "alone.bam has no index" in err
    study.refresh()
    assert len(study.check_files()) == len(study.check_files("x")) == 2
    study.index_file("x")
    assert study.check_files("x") == ["alone.bam is said to be CRAM, and its content is BAM"]


def test_a_directory_has_no_format_that_could_be_another(study, tmp_path, capfd):
    """It is added like a file, and nothing is said of it."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.tsv").write_text("a\tb\n")
    element = '{"@type": "DataEntity", "id": "x", "data_format": "TSV"}'
    assert main(["add", study.url, "--element", element, "--source-file", str(tmp_path / "tables")]) == 0
    assert capfd.readouterr() == ("data/x\n", "")
    study.refresh()
    assert study.check_files("x") == []


def test_a_reference_that_the_object_knows_to_be_another(sample, genome, make_storage, tmp_path):
    """The MD5s that it records are compared with those in the header of a CRAM; of the sequences nothing is read for that."""
    found, path = sample("cram 3.0 multi"), tmp_path / "another.fa"
    exchanged = str.maketrans("ACGT", "CATG")
    path.write_text("".join(f">{name}\n{bases.translate(exchanged)}\n" for name, bases in genome.items()))
    modo = MODO.create("study", make_storage("memory"))
    added = modo.add_reference(path)
    element = {"@type": "AlignmentSet", "id": "reads", "data_format": "CRAM", "has_reference": str(added)}
    modo.add_element(element, source_file=found.path)
    for reference in (None, str(added), added.name, path.name):
        with pytest.raises(IntegrityError, match=r"of chrM: has the MD5 .* where the file says .*: it is another"):
            next(modo.stream_genomics("data/reads", "chrM:500-900", reference))
    assert next(modo.stream_genomics("data/reads", "chrM:500-900", found.reference)).reference_name == "chrM"
