"""Reference genomes: one file read once, one edit, and a description of every sequence by its content."""

import gzip
import hashlib
import json

import pytest

from modos import MODO
from modos.cli import main
from modos.errors import (
    ElementExistsError,
    ElementNotFoundError,
    FileConflictError,
    InvalidElementError,
    InvalidInputError,
    ServiceError,
)
from modos.testing import Proxy

FASTA = b">chr1 the first\nACGTACGT\nACG\n>HLA:01/02\nacgtn\n>chrM\n" + b"GATTACA\n" * 3
SEQUENCES = {
    "chr1": (b"ACGTACGTACG", "sequence/chr1_"),
    "HLA:01/02": (b"ACGTN", "sequence/HLA:01_02_"),
    "chrM": (b"GATTACA" * 3, "sequence/chrM_"),
}


@pytest.fixture
def fasta(tmp_path):
    """The path of a small genome."""
    path = tmp_path / "genome.fa"
    path.write_bytes(FASTA)
    return path


@pytest.mark.parametrize("bgzip", [False, True])
def test_a_genome_is_added_with_all_its_sequences(place, fasta, bgzip, content):
    """One commit: the genome, its sequences with the MD5 of their bases, the file with its indexes; parts can be read."""
    modo = MODO.create("ex", place)
    added = modo.add_reference(fasta, id="g1", bgzip=bgzip, taxon_id="NCBITaxon:9606", version="1")
    assert str(added) == "reference/g1"
    said = MODO("ex", place).metadata
    assert said == modo.metadata
    name = "genome.fa.gz" if bgzip else "genome.fa"
    links = said["reference/g1"].pop("has_sequence")
    assert said["reference/g1"] == {
        "@type": "ReferenceGenome",
        "data_path": name,
        "taxon_id": ["NCBITaxon:9606"],
        "version": "1",
    }
    expected = {}
    for (title, (bases, start)), link in zip(SEQUENCES.items(), links, strict=True):
        md5 = hashlib.md5(bases).hexdigest()
        assert link == f"{start}{md5[:6]}"
        expected[title] = md5
        assert said[link]["source_uri"].startswith("ga4gh:SQ.")
    assert {said[link]["name"]: said[link]["sequence_md5"] for link in links} == expected
    assert said[links[0]]["description"] == "the first"
    stored = content(place / "ex")
    assert (gzip.decompress(stored[name]) if bgzip else stored[name]) == FASTA
    assert {each for each in stored if each.startswith("genome")} == {
        name,
        f"{name}.fai",
        *([f"{name}.gzi"] if bgzip else []),
    }
    assert modo.fetch_sequence("g1", "chrM:6-9") == "CAGA"
    assert modo.check().findings == ()


def test_sequences_that_are_there_are_linked_to(place, fasta, tmp_path):
    """By name and content: another genome that has one of them does not describe it again."""
    modo = MODO.create("ex", place)
    modo.add_reference(fasta, id="g1")
    before = modo.metadata
    (tmp_path / "other.fasta").write_bytes(b">chr1\nACGTACGTACG\n>chr2\nACGTACGTACG\n>chr1b\nAA\n")
    modo.add_element({"@type": "DataEntity", "id": "d1", "data_path": "x.cram", "data_format": "CRAM"})
    modo.add_reference(tmp_path / "other.fasta", part_of="d1")
    said = modo.metadata
    first, second, third = said["reference/other"]["has_sequence"]
    assert first == before["reference/g1"]["has_sequence"][0]
    assert said[first] == before[first]
    assert said[second]["sequence_md5"] == said[first]["sequence_md5"]
    assert said[third]["name"] == "chr1b"
    assert said["data/d1"]["has_reference"] == ["reference/other"]


def test_two_contents_of_one_beginning_get_ids_of_their_own(tmp_path, monkeypatch):
    """Where the first six digits of the MD5 do not tell sequences apart, all of them do."""
    modo = MODO.create(tmp_path / "ex")
    md5 = hashlib.md5(b"ACGT").hexdigest()
    taken = {"@type": "ReferenceSequence", "id": f"a_{md5[:6]}", "name": "a", "sequence_md5": md5[:6] + "0" * 26}
    modo.add_element(taken)
    (tmp_path / "x.fa").write_bytes(b">a\nACGT\n")
    modo.add_reference(tmp_path / "x.fa")
    assert modo.metadata["reference/x"]["has_sequence"] == [f"sequence/a_{md5}"]


@pytest.mark.parametrize(
    ("body", "options", "kind"),
    [
        (b"no FASTA", {}, InvalidInputError),
        (FASTA + b">chr1\nAC\n", {}, InvalidInputError),
        (b">a\nAC\nACGT\n", {}, InvalidInputError),
        (FASTA, {"id": "taken"}, ElementExistsError),
        (FASTA, {"id": "a/b"}, InvalidElementError),
        (FASTA, {"part_of": "nobody"}, ElementNotFoundError),
        (FASTA, {"unknown": 1}, InvalidElementError),
        (FASTA, {"data_path": "../genome.fa"}, InvalidInputError),
        (FASTA, {"data_path": "genome.fa", "bgzip": True}, InvalidElementError),
        (FASTA, {"data_path": "there.fa"}, FileConflictError),
        (FASTA, {"data_path": "described.fa"}, FileConflictError),
    ],
    ids=map(str, range(11)),
)
def test_what_is_refused_changes_nothing(make_storage, fasta, content, *, body, options, kind):
    """Neither files nor elements: whether it is seen before the file is read, or in its last line."""
    place = make_storage("local")
    modo = MODO.create("ex", place)
    modo.add_element({"@type": "ReferenceGenome", "id": "taken", "data_path": "described.fa"})
    place.put(b"other", "ex/there.fa")
    before = content(place)
    fasta.write_bytes(body)
    with pytest.raises(kind):
        modo.add_reference(fasta, **options)
    assert content(place) == before


def test_what_another_attempt_left_is_taken(place, fasta, content):
    """A file of the same content, which nothing describes, is one that a killed attempt has stored."""
    modo = MODO.create("ex", place)
    place.put(FASTA, "ex/genome.fa")
    modo.add_reference(fasta)
    assert modo.check().findings == ()


def test_a_failure_at_the_end_leaves_nothing(place, fasta, content, writes):
    """When the metadata cannot be written, the file and its index are gone again."""
    modo = MODO.create("ex", place)
    before = content(place)

    def fail(number, name):
        if name.endswith("reference/genome/zarr.json") and not name.startswith("- "):
            raise ServiceError(name, status=500)

    writes.hook = fail
    with pytest.raises(ServiceError):
        modo.add_reference(fasta, bgzip=True)
    assert content(place) == before


def test_the_file_is_read_once(account, container, tmp_path, monkeypatch):
    """From a service to an object, compressed on the way: besides its beginning, which tells how it is compressed."""
    account.put(container, "genome.fa", FASTA)
    with Proxy(account.server.url) as proxy:
        monkeypatch.setenv("OS_STORAGE_URL", proxy.through(account.server.storage_url))
        monkeypatch.setenv("OS_AUTH_TOKEN", account.token)
        modo = MODO.create(tmp_path / "ex")
        modo.add_reference(f"swift://{container}/genome.fa", bgzip=True)
        asked = [request for request in proxy.requests if request.method == "GET" and "genome.fa" in request.path]
    assert len(asked) == 2
    assert modo.fetch_sequence("genome", "chrM:6-9") == "CAGA"


def test_the_command(tmp_path, fasta, capsys):
    """`modos add-reference` writes the id; slots come as JSON, `--id` before them."""
    MODO.create(tmp_path / "ex")
    place = str(tmp_path / "ex")
    slots = json.dumps({"taxon_id": "NCBITaxon:9606", "id": "no"})
    assert main(["add-reference", place, str(fasta), "--id", "g1", "--bgzip", "-e", slots]) == 0
    assert capsys.readouterr().out == "reference/g1\n"
    assert main(["add-reference", place, str(fasta), "--id", "g1"]) == 1
    assert "g1" in capsys.readouterr().err
    assert MODO(place).metadata["reference/g1"]["data_path"] == "genome.fa.gz"


def test_the_command_adds_no_other_class(tmp_path, fasta, capsys):
    """Slots of a sample are a mistake of the command line, and not those of a genome."""
    place = str(MODO.create(tmp_path / "ex").path)
    assert main(["add-reference", place, str(fasta), "-e", '{"@type": "Sample", "name": "s1"}']) == 2
    assert "a reference is a ReferenceGenome, not a 'Sample'" in capsys.readouterr().err
    assert main(["add-reference", place, str(fasta), "-e", '{"@type": "ReferenceGenome", "name": "g1"}']) == 0
    assert MODO(place).metadata["reference/genome"]["name"] == "g1"
