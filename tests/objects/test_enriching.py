"""Enriching fills what headers say and nobody has said, finds elements by id and digest, and changes nothing twice."""

import json
from pathlib import Path

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modos import MODO
from modos.cli import main
from modos.encryption import generate_key
from modos.errors import ElementNotFoundError, InvalidInputError
from modos.model import ElementId
from modos.objects.enriching.proposals import propose
from modos.objects.snapshot import Snapshot
from modos.omics import Facts, SampleFacts, SequenceFacts
from modos.testing import Proxy, write_samples

MD5 = "9c8fd6b4c5cfd7e4a4d0a7b2fd2c2a11"
OTHER = "0" * 31 + "1"


def sam(*, sample="donor2", md5=MD5, name="chr1", extra=()):
    """Return a file without reads, whose header names a path of a machine wherever one can stand."""
    lines = [
        "@HD\tVN:1.6",
        f"@SQ\tSN:{name}\tLN:5000{f'\tM5:{md5}' if md5 else ''}\tUR:/home/someone/genome.fa",
        f"@RG\tID:1\tSM:{sample}\tPL:ILLUMINA",
        "@PG\tID:bwa\tPN:bwa\tVN:0.7.17\tCL:bwa mem /home/someone/genome.fa",
        *extra,
    ]
    return "\n".join([*lines, ""])


@pytest.fixture
def study(tmp_path):
    """An object with a reference and an assay, to which files are added by `put`."""
    modo = MODO.create(tmp_path / "study", id="study")
    (tmp_path / "genome.fa").write_text(">chr1\nACGT\n")
    modo.add_element({"@type": "ReferenceGenome", "id": "genome"}, tmp_path / "genome.fa")
    modo.add_element({"@type": "Assay", "id": "wgs", "omics_type": "GENOMICS"}, part_of="study")
    return modo


@pytest.fixture
def put(study, tmp_path):
    """Add a file by its content, as the data of the assay."""

    def add(name: str, content: str, **slots) -> None:
        path = tmp_path / name
        path.write_text(content)
        element = {"@type": "DataEntity", "id": path.stem, "data_format": "SAM", "data_path": name, **slots}
        study.add_element(element, path, part_of="wgs")

    return add


def said(study, element):
    return {slot: value for slot, value in study.metadata[element].items() if slot != "@type"}


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_samples_and_sequences_are_added_and_linked(study, put):
    """All in one edit, told slot by slot; and nothing of the machine that the header comes from."""
    put("reads.sam", sam(), has_reference=["genome"])
    before = study.metadata
    report = study.enrich_metadata()
    assert said(study, "sample/donor2") == {"name": "donor2"}
    sequence = f"sequence/chr1_{MD5[:6]}"
    assert said(study, sequence) == {"name": "chr1", "description": "5,000 bases", "sequence_md5": MD5}
    assert said(study, "data/reads")["has_sample"] == ["sample/donor2"]
    assert said(study, "data/reads")["description"] == "Platform: ILLUMINA; programs: bwa 0.7.17"
    assert said(study, "reference/genome")["has_sequence"] == [sequence]
    assert said(study, "assay/wgs")["has_sample"] == ["sample/donor2"]
    assert "someone" not in str(study.metadata)
    changed = {each.id: each.kind for each in report.difference.elements}
    assert changed == {
        "assay/wgs": "changed",
        "data/reads": "changed",
        "reference/genome": "changed",
        "sample/donor2": "added",
        sequence: "added",
    }
    assert {key for key in study.metadata if study.metadata[key] != before.get(key)} - {"study"} == changed.keys()
    assert report.facts["data/reads"]["platforms"] == ["ILLUMINA"]
    assert json.loads(report.to_json())["contradictions"] == []
    assert {each.code for each in study.check().findings} <= {"index"}


def test_a_second_time_changes_nothing(study, put):
    """Not a byte, with and without leave to overwrite."""
    put("reads.sam", sam(), has_reference=["genome"])
    put("more.sam", sam(sample="donor3", md5=OTHER, name="chr2"))
    assert not study.enrich_metadata(overwrite=True).is_empty
    before = files_of(Path(study.path))
    for overwrite in (False, True):
        assert study.enrich_metadata(overwrite=overwrite).is_empty
    assert files_of(Path(study.path)) == before


def test_a_dry_run_changes_nothing(study, put):
    """And tells what the run then does."""
    put("reads.sam", sam(), has_reference=["genome"])
    before = files_of(Path(study.path))
    foreseen = study.enrich_metadata(dry_run=True)
    assert files_of(Path(study.path)) == before
    assert foreseen.difference == study.enrich_metadata().difference
    assert "+ sample/donor2 (Sample)" in foreseen.describe()


def test_what_a_person_wrote_stays(study, put):
    """Values, links and lists; the report tells of both, and only when told to is the file believed."""
    study.add_element({"@type": "Sample", "id": "mine"})
    put("reads.sam", sam(), has_sample=["mine"], description="By hand")
    report = study.enrich_metadata(dry_run=False)
    assert said(study, "data/reads") | {"has_sample": ["sample/mine"], "description": "By hand"} == said(
        study, "data/reads"
    )
    assert "sample/donor2" not in study.metadata
    (told,) = report.contradictions
    assert (told.element, told.slot, told.here, told.there) == (
        "data/reads",
        "has_sample",
        ["sample/mine"],
        ["sample/donor2"],
    )
    assert "data/reads has_sample stays ['sample/mine']" in str(report)
    assert study.enrich_metadata(overwrite=True).contradictions == ()
    assert said(study, "data/reads")["has_sample"] == ["sample/donor2"]
    assert said(study, "data/reads")["description"] == "By hand"  # which is no value that the file says


MZTAB = "MTD\tmzTab-version\t2.0.0-M\nMTD\ttitle\t{title}\nMTD\tsample[1]\ts1\nMTD\tsample[1]-species[1]\t[NEWT, {taxon}, x, ]\n"


def test_two_files_that_contradict_each_other(study, put):
    """The first counts, whoever is believed; a second run does not turn it around."""
    put("a.mztab", MZTAB.format(title="A", taxon=9606), data_format="mzTab")
    put("b.mztab", MZTAB.format(title="B", taxon=10090), data_format="mzTab")
    for overwrite in (False, True, True):
        report = study.enrich_metadata(overwrite=overwrite)
        assert said(study, "sample/s1")["taxon_id"] == ["NCBITaxon:9606"]
        assert [each.there for each in report.contradictions] == [["NCBITaxon:10090"]]
    assert [said(study, f"data/{name}")["name"] for name in "ab"] == ["A", "B"]


def test_sequences_are_found_by_digest(study, put):
    """Under whatever id and name; the same name with another digest is another sequence, and told."""
    study.add_element({"@type": "ReferenceSequence", "id": "one", "name": "1", "sequence_md5": MD5}, part_of="genome")
    put("reads.sam", sam(), has_reference=["genome"])
    put("wrong.sam", sam(md5=OTHER, name="1"), has_reference=["genome"])
    report = study.enrich_metadata()
    assert [key for key in study.metadata if key.startswith("sequence/")] == ["sequence/one"]
    assert said(study, "sequence/one")["name"] == "1"
    assert said(study, "reference/genome")["has_sequence"] == ["sequence/one"]
    (told,) = report.contradictions
    assert (told.slot, told.source) == ("has_sequence", "data/wrong")


def test_two_names_for_the_same_bases(study, put):
    """They are one sequence, which is called as the first of them is, by its id and by its name."""
    put("reads.sam", sam(extra=[f"@SQ\tSN:chr1_alt\tLN:5000\tM5:{MD5}"]), has_reference=["genome"])
    study.enrich_metadata()
    assert said(study, "reference/genome")["has_sequence"] == [f"sequence/chr1_{MD5[:6]}"]
    assert said(study, f"sequence/chr1_{MD5[:6]}")["name"] == "chr1"


def test_a_sequence_without_a_digest_is_found_by_its_id(study, put):
    """The digest is then filled in."""
    study.add_element({"@type": "ReferenceSequence", "id": "chr1"}, part_of="genome")
    put("reads.sam", sam(), has_reference=["genome"])
    study.enrich_metadata()
    assert said(study, "sequence/chr1")["sequence_md5"] == MD5
    assert [key for key in study.metadata if key.startswith("sequence/")] == ["sequence/chr1"]


def test_a_reference_is_found_by_all_its_sequences(study, put):
    """When exactly one has them; without any, sequences stand alone, and that is told."""
    put("reads.sam", sam())
    assert any("stand alone" in note for note in study.enrich_metadata().notes)
    assert "has_reference" not in said(study, "data/reads")
    study.update_element("genome", {"has_sequence": [f"chr1_{MD5[:6]}"]})
    study.enrich_metadata()
    assert said(study, "data/reads")["has_reference"] == ["reference/genome"]


def test_names_alone_make_no_match(study, put):
    """A sample that is called alike is another one; a contig without a digest is nobody."""
    study.add_element({"@type": "Sample", "id": "s17", "name": "donor2"})
    put("reads.sam", sam(md5=None))
    report = study.enrich_metadata()
    assert said(study, "data/reads")["has_sample"] == ["sample/donor2"]
    assert any(note.startswith("sample/s17 has the name 'donor2', too") for note in report.notes)
    assert any("none of its 1 contigs has a digest" in note for note in report.notes)
    assert not [key for key in study.metadata if key.startswith("sequence/")]


def test_a_sample_that_is_named_by_a_path(study, put):
    """Is left out, as programs write it that were given no name."""
    put("reads.sam", sam(sample="/home/someone/donor2.bam"))
    report = study.enrich_metadata()
    assert any("names sample 1 by a path" in note for note in report.notes)
    assert "has_sample" not in said(study, "data/reads")
    assert "someone" not in f"{report}{study.metadata}"


def test_samples_that_a_file_only_counts(study, put):
    """Are called after the data and their number."""
    content = "MTD\tmzTab-version\t1.0.0\nMTD\tsample[2]-tissue[1]\t[BTO, BTO:0000759, liver, ]\n"
    put("proteins.mztab", content, data_format="mzTab")
    study.enrich_metadata()
    assert said(study, "sample/proteins_sample2") == {"source_material": "BTO:0000759"}


def test_processing_is_that_of_the_assay(study, put):
    """Of the assay that has the data, in its order."""
    content = "MTD\tmzTab-version\t2.0.0-M\nMTD\tsample_processing[1]\t[MS, MS:1001251, Trypsin, ]\n"
    put("m.mztab", content, data_format="mzTab")
    study.enrich_metadata()
    assert said(study, "assay/wgs")["sample_processing"] == ["MS:1001251"]


def test_annotated_matrices(study, tmp_path):
    """How much there is, from the groups of the file."""
    with h5py.File(tmp_path / "a.h5ad", "w") as file:
        for name, length in (("obs", 1200), ("var", 3)):
            frame = file.create_group(name)
            frame.attrs.update({"encoding-type": "dataframe", "_index": "_index", "column-order": ["kind"]})
            frame["_index"] = [f"{name}{n}" for n in range(length)]
            frame["kind"] = range(length)
        file["X"] = [[0.0, 0.0, 0.0]] * 1200
    study.add_element({"@type": "Array", "id": "a", "data_format": "h5ad"}, tmp_path / "a.h5ad")
    report = study.enrich_metadata()
    assert said(study, "data/a")["description"] == "1,200 observations of 3 variables; of each observation: kind"
    assert report.facts["data/a"]["matrices"] == ["X"]
    assert study.read_table("a", "X", columns=["var2"], rows=(0, 1)).to_pylist() == [{"var2": 0.0}]
    assert study.read_header("a")["n_obs"] == 1200
    with pytest.raises(InvalidInputError, match="no header is read"):
        study.read_header("genome")


def test_what_cannot_be_read_is_told_and_keeps_nobody_from_the_rest(study, put):
    """A file that is damaged, and one that is gone."""
    put("damaged.mztab", "MTD\ttitle\tx\n", data_format="mzTab")
    put("gone.sam", sam(sample="donor1"))
    put("reads.sam", sam())
    study.storage.remove("gone.sam")
    report = study.enrich_metadata()
    told = sorted(note for note in report.notes if "stand alone" not in note)
    assert [note.partition(":")[0] for note in told] == ["data/damaged", "data/gone"]
    assert "sample/donor2" in study.metadata


def test_only_some_elements(study, put):
    put("a.sam", sam(sample="sa"))
    put("b.sam", sam(sample="sb"))
    assert study.enrich_metadata(elements=["b"]).facts.keys() == {"data/b"}
    assert study.list_samples() == ["sample/sb"]
    assert study.enrich_metadata(elements=["wgs"]).is_empty
    with pytest.raises(ElementNotFoundError, match="did you mean"):
        study.enrich_metadata(elements=["data/bb"])


def test_what_it_costs(account, container, tmp_path):
    """A look at the metadata and one request for each file, however large it is; nothing is written when nothing is new."""
    files = write_samples(tmp_path / "samples")
    with Proxy(account.server.url) as proxy:
        place = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        study = MODO.from_file(files.description, "study", place)
        for expected in (False, True):
            assert study.enrich_metadata().is_empty is expected
            if not expected:
                proxy.clear()
        asked = [(request.method, request.path.rpartition("/")[2]) for request in proxy.requests]
        names = ["calls.bcf", "calls.vcf.gz", "donor1.cram", "donor2.bam", "metabolites.mztab", "zarr.json"]
        assert sorted(asked) == [("GET", name) for name in names]
        assert sum(request.bytes_received for request in proxy.requests) < 6 * 64 * 1024


def test_the_object_of_the_reference_implementation(tmp_path):
    """Its sequence is found, linked, and not written anew."""
    import shutil

    source = Path(__file__).parents[3] / "shared" / "data" / "modo" / "ex"
    if not source.is_dir():
        pytest.skip("needs the reference's object")
    shutil.copytree(source, tmp_path / "ex")
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755)
    modo = MODO(tmp_path / "ex")
    assert "modos" not in modo.enrich_metadata().describe()
    assert said(modo, "reference/reference1")["has_sequence"] == ["sequence/BA000007.3_bd7522"]
    assert [key for key in modo.metadata if key.startswith("sequence/")] == ["sequence/BA000007.3_bd7522"]


def test_commands(study, put, capsys):
    """What changes on standard output, what stays and what is wrong on standard error."""
    study.add_element({"@type": "Sample", "id": "mine"})
    put("reads.sam", sam(), has_sample=["mine"])
    assert main(["enrich", study.url, "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert "~ data/reads (DataEntity)\n    description: 'Platform" in out
    assert "has_sample stays ['sample/mine']" in err
    assert "nothing was changed" in err
    assert main(["enrich", study.url, "reads", "--overwrite"]) == 0
    assert "+ sample/donor2 (Sample)" in capsys.readouterr().out
    assert main(["enrich", study.url]) == 0
    out, err = capsys.readouterr()
    assert (out, "there is nothing to add" in err) == ("", True)
    assert main(["enrich", study.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["difference"]["elements"] == []
    assert main(["enrich", study.url, "nobody"]) == 1
    assert "nobody" in capsys.readouterr().err


def test_encrypted_files(study, put):
    """Headers and tables are read with the key at hand; without one, that is told of each file."""
    key = generate_key()
    put("reads.sam", sam(), has_sample=[])
    put("m.mztab", MZTAB.format(title="A", taxon=9606) + "SMH\tSML_ID\nSML\t1\n", data_format="mzTab")
    study.encrypt([key.public])
    report = study.enrich_metadata()
    assert report.is_empty
    assert ["is encrypted" in note for note in report.notes] == [True, True]
    study.unlock(key)
    assert not study.enrich_metadata().is_empty
    assert study.list_samples() == ["sample/donor2", "sample/s1"]
    assert study.read_table("m").to_pylist() == [{"SML_ID": 1}]


# -- any facts --------------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "chr1", "x/y", "", "HLA:1", "\x00", "é"])
DIGESTS = st.sampled_from([None, MD5, OTHER, MD5[:6] + OTHER[6:]])
VALUES = st.sampled_from(["v", "CL:0000084", "Male", "no term", "http://example.org/x", "a" * 300])
FACTS = st.builds(
    Facts,
    samples=st.lists(
        st.builds(
            SampleFacts,
            name=st.none() | NAMES,
            number=st.integers(1, 3),
            slots=st.dictionaries(st.sampled_from(["taxon_id", "sex", "cell_type", "description", "nope"]), VALUES),
        ),
        max_size=3,
    ).map(tuple),
    sequences=st.lists(
        st.builds(
            SequenceFacts, name=NAMES, length=st.none() | st.integers(0, 9), md5=DIGESTS, source_uri=st.none() | VALUES
        ),
        max_size=3,
    ).map(tuple),
    slots=st.dictionaries(st.sampled_from(["name", "description"]), VALUES),
    reference=st.dictionaries(st.sampled_from(["version", "source_uri"]), VALUES),
    processing=st.lists(VALUES, max_size=2).map(tuple),
    summary=VALUES,
)
BASE = Snapshot(
    "somewhere",
    {"@type": "MODO", "id": "ex", "creation_date": "2024-01-17", "last_update_date": "2024-01-17"},
    {
        ElementId("assay", "one"): {"@type": "Assay", "omics_type": ["GENOMICS"], "has_data": ["x", "data/y"]},
        ElementId("data", "x"): {"@type": "AlignmentSet", "data_path": "x", "data_format": "BAM", "has_reference": "r"},
        ElementId("data", "y"): {"@type": "DataEntity", "data_path": "y", "data_format": "BAM", "has_sample": ["a"]},
        ElementId("data", "z"): {"@type": "DataEntity", "data_path": "z", "data_format": "BAM"},
        ElementId("reference", "r"): {"@type": "ReferenceGenome", "data_path": "r.fa"},
        ElementId("sample", "a"): {"@type": "Sample", "name": "b", "sex": "Female"},
        ElementId("sequence", "chr1"): {"@type": "ReferenceSequence"},
    },
)


@settings(max_examples=40, deadline=None)
@given(
    facts=st.dictionaries(st.sampled_from([ElementId("data", name) for name in "xyz"]), FACTS), overwrite=st.booleans()
)
def test_any_facts_come_to_an_edit_that_is_made_once(facts, overwrite):
    """Whatever files say: a valid edit, which keeps all values that were set unless told, and is empty the second time."""
    result = propose(BASE, facts, overwrite=overwrite).change.result
    again = propose(result, facts, overwrite=overwrite).change
    assert again.is_empty
    for element, before in BASE.elements.items():
        after = result.elements[element]
        if not overwrite:
            assert {slot: after[slot] for slot in before if not slot.startswith("has_")} == {
                slot: value for slot, value in before.items() if not slot.startswith("has_")
            }
        assert after["@type"] == before["@type"]
