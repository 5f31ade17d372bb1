"""The registry knows formats by name and by content, and other packages add to it."""

import gzip
import importlib.metadata

import pysam
import pytest

from modos.errors import InvalidInputError, KeyNotFoundError
from modos.omics import (
    Format,
    check_file,
    fetch_sequence,
    format_named,
    identify,
    known_formats,
    make_index,
    open_indexed,
)
from modos.omics.formats import FORMATS, registered, sniff
from modos.storage import LocalStorage
from modos.testing import Proxy, write_samples

TEXTS = {
    "SAM": b"@HD\tVN:1.6\n@SQ\tSN:a\tLN:9\n",
    "VCF": b"##fileformat=VCFv4.3\n",
    "GFF3": b"##gff-version 3\n",
    "GTF": b'# x\nchr1\thavana\tgene\t11869\t14409\t.\t+\t.\tgene_id "ENSG1";\n',
    "BED": b"track name=x\nchr1\t5\t9\n",
    "FASTA": b">a some\nACGT\n",
    "FASTQ": b"@r1\nACGT\n+\nIIII\n",
    "mzTab": b"MTD\tmzTab-version\t2.0.0-M\n",
    "mzML": b'<?xml version="1.0"?>\n<indexedmzML xmlns="http://psi.hupo.org/ms/mzml">',
    "JSON": b'{"a": 1}',
    "CSV": b"a,b\n1,2\n",
    "TSV": b"a\tb\n1\t2\n",
    "Parquet": b"PAR1\x15\x04",
    "h5ad": b"\x89HDF\r\n\x1a\n\0\0",
}
ZARRS = {
    "Zarr": '{"zarr_format": 3, "node_type": "group"}',
    "AnnData": '{"zarr_format": 3, "attributes": {"encoding-type": "anndata"}}',
    "MuData": '{"zarr_format": 3, "attributes": {"encoding-type": "MuData"}}',
    "SpatialData": '{"zarr_format": 3, "attributes": {"spatialdata_attrs": {"version": "0.1"}}}',
    "OME-Zarr": '{"zarr_format": 3, "attributes": {"ome": {"multiscales": []}}}',
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", TEXTS)
def test_content_says_the_format(name, compressed, tmp_path):
    """Each format is known by its beginning, whatever the file is called and whether it is gzip."""
    (tmp_path / "x").write_bytes(gzip.compress(TEXTS[name]) if compressed else TEXTS[name])
    assert identify(LocalStorage(tmp_path), "x").name == name


@pytest.mark.parametrize("name", ZARRS)
def test_a_zarr_hierarchy_says_what_it_holds(name, tmp_path):
    """In version 3 by its document, in version 2 by its attributes."""
    for place, document in (
        ("three/zarr.json", ZARRS[name]),
        ("two/.zattrs", ZARRS[name].replace('"zarr_format": 3, ', "")),
    ):
        (tmp_path / place).parent.mkdir()
        (tmp_path / place).write_text(document)
        assert identify(LocalStorage(tmp_path), place.partition("/")[0]).name == name


def test_what_nothing_says(tmp_path):
    """Content that is that of no format is none, and a file that is not there is an error."""
    (tmp_path / "x").write_bytes(b"\0\1\2")
    assert identify(LocalStorage(tmp_path), "x") is None
    with pytest.raises(KeyNotFoundError):
        identify(LocalStorage(tmp_path), "y")


def test_names_say_formats():
    """The longest suffix that fits counts, in any case."""
    names = {"a.BAM": "BAM", "a.g.vcf.gz": "VCF", "a.ome.zarr/": "OME-Zarr", "a.zarr": "SpatialData", "a.tsv.gz": "TSV"}
    assert {name: format_named(name).name for name in names} == names
    assert format_named("README") is None


def test_real_files_are_what_they_are_called(tmp_path):
    """The samples are known by name and content alike, and nothing is wrong with them."""
    files = write_samples(tmp_path)
    for path in (files.cram, files.bam, files.vcf, files.bcf, files.reference, files.metabolites, files.counts):
        assert identify(LocalStorage(tmp_path), path.name) is format_named(path.name)
        assert check_file(LocalStorage(tmp_path), path.name) == []


def test_what_is_wrong_is_found(tmp_path):
    """A wrong format, a missing index and that of another file are told."""
    files = write_samples(tmp_path)
    storage = LocalStorage(tmp_path)
    assert check_file(storage, files.bam.name, declared="CRAM") == [
        "donor2.bam is said to be CRAM, and its content is BAM"
    ]
    assert check_file(storage, files.vcf.name, declared="gVCF") == []
    files.bam_index.unlink()
    (finding,) = check_file(storage, files.bam.name)
    assert "has no index" in finding
    assert "modos index" in finding
    files.vcf_index.write_bytes(files.bcf_index.read_bytes())
    (finding,) = check_file(storage, files.vcf.name)
    assert files.vcf_index.name in finding
    with files.reference.open("a") as file:
        file.write(">more\n" + "ACGT\n" * 900)
    (finding,) = check_file(storage, files.reference.name)
    assert "its index ends at byte" in finding
    (tmp_path / "x.cram").write_bytes(b"\0\1")
    assert check_file(storage, "x.cram") == ["x.cram is said to be CRAM, and its content is not"]


def test_a_file_that_is_cut_off_is_found(tmp_path):
    """Whatever ends every whole file must be there: seen in the last bytes, with an index or without."""
    files = write_samples(tmp_path)
    storage = LocalStorage(tmp_path)
    pysam.tabix_compress(str(files.reference), str(tmp_path / "packed.fa.gz"))
    pysam.faidx(str(tmp_path / "packed.fa.gz"))
    for path in (files.bam, files.cram, files.vcf, files.bcf, tmp_path / "packed.fa.gz"):
        whole = path.read_bytes()
        for lost in (28, 1, len(whole) // 3):
            path.write_bytes(whole[:-lost])
            (finding,) = check_file(storage, path.name)
            assert finding.startswith(f"{path.name} is cut off: ")
        for index in tmp_path.glob(f"{path.name}.*"):
            index.unlink()
        assert "is cut off" in check_file(storage, path.name)[0]
        path.write_bytes(whole)
        assert "has no index" in check_file(storage, path.name)[0]
    files.cram.write_bytes(b"CRAM\2\0" + bytes(200))  # the version before there was such an end
    assert "has no index" in check_file(storage, files.cram.name)[0]


def test_what_looking_at_the_end_of_a_file_costs(tmp_path, account, container):
    """One request for its size and one for 28 bytes, behind that for the beginning."""
    files = write_samples(tmp_path)
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        for path in (files.bam, files.bam_index):
            storage.put(path, path.name)
        proxy.clear()
        open_indexed(storage, files.bam.name)
        before = len(proxy.requests)
        proxy.clear()
        assert check_file(storage, files.bam.name) == []
        assert len(proxy.requests) == before + 3
        assert [request.method for request in proxy.requests[:3]] == ["GET", "HEAD", "GET"]
        assert proxy.requests[2].bytes_received < 1000


@pytest.mark.parametrize("kind", ["local", "swift"])
def test_an_index_is_made_and_stored(kind, tmp_path, make_storage, sample):
    """Of each kind of file, on this machine and elsewhere; nothing else is left."""
    files = write_samples(tmp_path / "samples")
    storage = make_storage(kind)
    pysam.tabix_compress(str(files.reference), str(tmp_path / "reference.fa.gz"))
    for path in (files.cram, files.bam, files.vcf, files.bcf, files.reference, tmp_path / "reference.fa.gz"):
        storage.put(path, f"in/{path.name}")
    made = {name for path in list(storage.list()) for name in make_index(storage, path)}
    ends = {"donor1.cram.crai", "donor2.bam.bai", "calls.vcf.gz.tbi", "calls.bcf.csi"}
    ends |= {"reference.fa.fai", "reference.fa.gz.fai", "reference.fa.gz.gzi"}
    assert made == {f"in/{name}" for name in ends}
    assert len(list(storage.list())) == 6 + len(ends)
    for name, usual in (("in/donor2.bam", ".bai"), ("in/calls.vcf.gz", ".tbi")):
        for csi, made, gone in ((True, ".csi", usual), (False, usual, ".csi")):
            assert make_index(storage, name, csi=csi) == [name + made]
            assert storage.exists(name + made)
            assert not storage.exists(name + gone)  # it would be that of an earlier file one day, and be taken
    assert fetch_sequence(storage, "in/reference.fa", "chr21:11-20") == fetch_sequence(
        storage, "in/reference.fa.gz", "chr21:11-20"
    )


def test_what_cannot_have_an_index(tmp_path):
    """Formats without, and files that are not sorted or not compressed by bgzip, are refused."""
    storage = LocalStorage(tmp_path)
    for name, content in (
        ("x.csv", b"a,b\n"),
        ("x.vcf", b"##fileformat=VCFv4.2\n"),
        ("x.vcf.gz", gzip.compress(TEXTS["VCF"])),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInputError, match="bgzip"):
            make_index(storage, name)
    assert check_file(storage, "x.vcf.gz") == [
        "x.vcf.gz is compressed by gzip, and can have no index; compress it with bgzip"
    ]
    (tmp_path / "x.fa").write_bytes(b">a\nACGT\nAC\nACGT\n")
    with pytest.raises(
        InvalidInputError, match=r"x\.fa cannot be indexed; are the lines of each sequence .*\(\[faidx\][^/]*\)$"
    ):
        make_index(storage, "x.fa")
    with pytest.raises(KeyNotFoundError):
        make_index(storage, "none.bam")


def test_other_packages_add_formats(monkeypatch):
    """The entry point group `modos.formats` is read; a name that is taken is refused."""
    mine = Format(name="POD5", suffixes=(".pod5",), begins=lambda head: head.startswith(b"\x8bPOD"))
    point = importlib.metadata.EntryPoint("pod5", "tests:pod5", "modos.formats")
    monkeypatch.setattr(importlib.metadata.EntryPoint, "load", lambda self: mine)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    known_formats.cache_clear()
    try:
        assert format_named("x.pod5") is mine
        assert sniff(b"\x8bPOD\r\n") is mine
    finally:
        known_formats.cache_clear()
        monkeypatch.undo()
    with pytest.raises(InvalidInputError, match="a format 'BAM' already; known are CRAM, BAM"):
        registered([FORMATS[1]])
    with pytest.raises(InvalidInputError, match=r"no modos\.omics\.Format"):
        registered(["BAM"])
