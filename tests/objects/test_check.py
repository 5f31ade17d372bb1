"""`check` finds what is wrong with an object, however damaged, and `repair` mends what is safe to mend, everywhere."""

import copy
import json
import random
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest

from modos import MODO
from modos.errors import DamagedObjectError, InvalidInputError, ModosError, ObjectNotFoundError, StorageError
from modos.objects.checks.evidence import gather
from modos.objects.checks.examination import Depth, check_object
from modos.objects.checks.findings import KINDS, finding
from modos.objects.checks.hierarchy import NAMELESS
from modos.objects.checks.repair import plan_repair, repair_object
from modos.storage import ROOT_DOCUMENT
from modos.storage.hierarchy.documents import group_document
from modos.storage.hierarchy.root import ZarrRoot
from modos.testing import Fault, Proxy, write_samples

MIB = 1024 * 1024
AT_ONCE = timedelta(minutes=-1)
"""A grace time that even what has just been written is past, also where services round their times up."""


@pytest.fixture
def whole(modo, data, entity):
    """The storage of a whole object `ex` with a file that has an index, an array and links, in every place in turn."""
    modo.add_element(entity("calls", data_format="VCF", has_sample="sample1"), data / "calls.vcf", part_of="assay1")
    modo.add_array("sample1", [1, 2, 3], "own")
    return modo.storage


@pytest.fixture
def ex(make_storage):
    """The storage of a small whole object on this disk."""
    modo = MODO.create("", make_storage("local"), id="ex")
    modo.add_element({"@type": "Sample", "id": "s1", "sex": "Male"})
    modo.add_element({"@type": "Assay", "id": "a1", "omics_type": ["GENOMICS"], "has_sample": "s1"}, part_of="ex")
    modo.add_array("s1", [1, 2, 3], "own")
    return modo.storage


def root_of(storage):
    return json.loads(storage.read(ROOT_DOCUMENT))


def say(storage, element, attributes):
    """Have both the root document and the group of an element say something that no edit would let it say."""
    document = root_of(storage)
    members = document["consolidated_metadata"]["metadata"]
    members[element] = {**members["sample"], "attributes": attributes}
    storage.put(json.dumps(document).encode(), ROOT_DOCUMENT)
    storage.put(group_document(attributes), f"data.zarr/{element}/zarr.json")


def told(report):
    return {(each.code, each.place) for each in report.findings}


def test_what_modos_wrote_is_clean(place, modo, data, entity):
    """After additions, an array, an update and a removal nothing is found, and nothing was written."""
    modo.add_element(entity("d", data_format="CSV", has_sample="sample1"), data / "table.csv", part_of="assay1")
    modo.add_array("sample1", [1, 2, 3], "own")
    modo.update_element("sample2", {"sex": "Female"})
    modo.add_element(entity("gone", data_format="FASTQ"), data / "reads.fastq.gz")
    modo.remove_element("gone")
    before = {info.path: info.etag for info in place.scan()}
    for depth in ("listing", "contents"):
        report = modo.check(depth=depth)
        assert report.findings == ()
        assert report.is_clean
    assert modo.check(depth="listing", repair=True, grace=AT_ONCE).repairs == ()
    assert {info.path: info.etag for info in place.scan()} == before


STATEMENTS = {
    "value": ({"@type": "Sample", "sex": "Mal"}, ("schema", "sex", "Mal")),
    "unknown slot": ({"@type": "Sample", "mood": "good"}, ("schema", "mood", "good")),
    "no class": ({"sex": "Male"}, ("schema", "@type", None)),
    "another kind's class": ({"@type": "Assay", "omics_type": ["GENOMICS"]}, ("schema", "@type", "Assay")),
    "another id": ({"@type": "Sample", "id": "good"}, ("schema", "id", "good")),
    "no id at all": ({"@type": "Sample", "id": ["bad"]}, ("schema", "id", ["bad"])),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_the_schema_refuses_is_named_by_slot_and_value(ex, name):
    """Each mistake is a finding of its own; none is repaired, and the element is named."""
    attributes, expected = STATEMENTS[name]
    say(ex, "sample/bad", attributes)
    report = check_object(ex)
    assert [(each.code, each.slot, each.value) for each in report.findings] == [expected]
    assert report.findings[0].place == "sample/bad"
    assert report.findings[0].severity == "error"
    assert told(repair_object(ex, grace=AT_ONCE)) == told(report)


@pytest.mark.parametrize("lost", [{}, {"@type": None}, {"@type": 5}])
def test_an_element_that_lost_its_class_is_found_and_what_tells_it_still_is_not_touched(ex, lost):
    """The object does not open; the finding names both documents, and a repair writes neither over the other."""
    MODO("", ex).add_element({"@type": "Sample", "id": "bad", "name": "S"})
    document = group_document({"@type": "Sample", "name": "S"})
    say(ex, "sample/bad", {"name": "S", **lost})
    with pytest.raises(DamagedObjectError, match="element sample/bad has no attributes with an @type") as caught:
        MODO("", ex)
    assert "modos check" in caught.value.__notes__[0]
    for body in (ex.read("data.zarr/sample/bad/zarr.json"), document):
        ex.put(body, "data.zarr/sample/bad/zarr.json")
        for report in (check_object(ex), repair_object(ex, grace=AT_ONCE)):
            (found,) = report.findings
            assert (found.code, found.place, found.slot) == ("schema", "sample/bad", "@type")
            assert "a repair does not guess it: write it into sample/bad of data.zarr/zarr.json" in found.remedy
            assert report.repairs == ()
        assert ex.read("data.zarr/sample/bad/zarr.json") == body
    say(ex, "sample/bad", {"@type": "Sample", "name": "S"})
    assert MODO("", ex).metadata["sample/bad"]["name"] == "S"


def test_every_mistake_of_an_element_is_a_finding(ex):
    """Several slots at once, with required ones that are missing and a path that leaves the object."""
    say(ex, "data/d", {"@type": "DataEntity", "data_path": "../x", "data_checksum": "short", "name": 5})
    found = {each.slot: each.value for each in check_object(ex).findings}
    assert found == {"data_path": "../x", "data_checksum": "short", "name": 5, "data_format": None}


def test_an_id_that_is_none_is_one_finding(ex):
    """The other slots of the object are not told for it."""
    document = root_of(ex)
    document["attributes"] |= {"id": "a/b", "creation_date": "never"}
    ex.put(json.dumps(document).encode(), ROOT_DOCUMENT)
    found = {each.slot: each.what for each in check_object(ex).findings}
    assert found == {
        "id": "id 'a/b' has a slash, which separates folders; write the id without its kind",
        "creation_date": "creation_date 'never' is no date such as 2024-01-17 or 2024-01-17T09:30:00",
    }


@pytest.mark.parametrize(
    ("name", "what"), [("x.bam", "is that of data/a"), ("x.bam/y", "is in 'x.bam', that of data/a")]
)
def test_a_file_of_two_elements_is_found(ex, name, what):
    """Or one in the directory of another; each may be what the other is not."""
    ex.put(b"", name)
    for element, path in (("data/a", "x.bam"), ("data/b", name), ("data/c", "x.bam2")):
        say(ex, element, {"@type": "DataEntity", "data_format": "BAM", "data_path": path})
    (found,) = (each for each in check_object(ex, depth="listing").findings if each.code == "shared-file")
    assert (found.place, found.slot, found.value, found.severity) == ("data/b", "data_path", name, "warning")
    assert what in found.what


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("s9", "dangling-link"),
        ("sample/s9", "dangling-link"),
        ("assay/a1", "wrong-link"),
        ("a1", "wrong-link"),
        (7, "wrong-link"),
    ],
)
def test_links_that_lead_nowhere_or_astray_are_told_apart(ex, link, code):
    """By full id or bare; the slot and the link are named."""
    say(ex, "assay/a1", {"@type": "Assay", "omics_type": ["GENOMICS"], "has_sample": ["s1", link]})
    (finding,) = check_object(ex).findings
    assert (finding.code, finding.place, finding.slot, finding.value) == (code, "assay/a1", "has_sample", link)


def test_an_assay_that_the_object_does_not_link_to_is_linked(ex):
    """That is a note, and the link is added when asked for, once."""
    MODO("", ex).add_element({"@type": "Assay", "id": "a2", "omics_type": ["GENOMICS"]})
    report = check_object(ex)
    assert told(report) == {("one-sided-link", "assay/a2")}
    assert report.is_clean
    assert repair_object(ex).findings == ()
    assert MODO("", ex).metadata["ex"]["has_assay"] == ["assay/a1", "assay/a2"]


@pytest.mark.parametrize("type_name", ["Assay", "MODO"])
def test_a_class_of_another_kind_is_told_with_those_that_would_do(ex, type_name):
    """A sample that says it is an assay: which classes samples have."""
    say(ex, "sample/s1", {"@type": type_name})
    (found,) = [each for each in check_object(ex).findings if each.code == "schema"]
    assert found.what == f"@type {type_name} is no class of sample elements; it is one of Sample"


def test_files_are_compared_with_what_is_said_of_them(whole, data):
    """Missing, changed and undescribed files, in every place; no repair touches one."""
    MODO("", whole).add_element({"@type": "DataEntity", "id": "t", "data_format": "CSV"}, data / "table.csv")
    whole.put(b"other", "calls.vcf")
    whole.remove("table.csv")
    whole.put(b"x", "notes.txt")
    expected = {("missing-file", "table.csv"), ("changed-file", "calls.vcf"), ("extra-file", "notes.txt")}
    assert told(check_object(whole, depth="contents")) == {*expected, ("content", "calls.vcf")}
    report = repair_object(whole, depth="contents", grace=AT_ONCE)
    assert report.repairs == ()
    assert whole.read("calls.vcf") == b"other"
    assert whole.exists("notes.txt")


def test_a_file_that_lost_all_it_held_is_found_in_the_listing(whole, data):
    """Of any format, and in every place, however little is looked at; one that was always empty is as it should be."""
    (data / "empty.csv").write_bytes(b"")
    for name in ("table.csv", "empty.csv"):
        element = {"@type": "DataEntity", "id": name.partition(".")[0], "data_format": "CSV"}
        MODO("", whole).add_element(element, data / name)
    depths: tuple[Depth, ...] = ("listing", "contents")
    before = {depth: told(check_object(whole, depth=depth)) for depth in depths}
    whole.put(b"", "table.csv")
    for depth in depths:
        assert told(check_object(whole, depth=depth)) - before[depth] == {("changed-file", "table.csv")}


def test_chunks_that_are_lost_are_found_in_the_listing(ex):
    """Of arrays that say that all of theirs are stored; one that is empty counts as lost, and no repair makes it up."""
    modo = MODO("", ex)
    modo.add_array("s1", np.arange(12), "n", chunks=(4,), shards=(4,))
    modo.add_array("s1", np.array(5), "scalar")
    modo.add_array("s1", np.empty((0, 3)), "none")
    assert modo.check().findings == ()
    ex.remove("data.zarr/sample/s1/n/c/0")
    ex.put(b"", "data.zarr/sample/s1/n/c/2")
    ex.remove("data.zarr/sample/s1/scalar/c")
    report = repair_object(ex, depth="listing", grace=AT_ONCE)
    assert [(each.code, each.place, each.what[:11]) for each in report.findings] == [
        ("missing-file", "sample/s1/n", "2 of the 3 "),
        ("missing-file", "sample/s1/scalar", "1 of the 1 "),
    ]
    assert report.repairs == ()


def test_parts_of_a_file_that_was_never_completed_are_removed(place):
    """In every place, once no part has come for the grace time; the object is as it was."""
    MODO.create("", place, id="ex")
    upload = place.parts.begin("large.bin", size=6 * MIB, origin="v1", part_size=5 * MIB)
    upload.put(0, bytes(5 * MIB))
    assert check_object(place).findings == ()
    assert told(check_object(place, grace=AT_ONCE)) == {("orphan-parts", "large.bin")}
    report = repair_object(place, grace=AT_ONCE)
    assert [(each.code, each.place) for each in report.repairs] == [("orphan-parts", "large.bin")]
    assert report.findings == ()
    assert list(place.parts.unfinished()) == []


def test_what_may_not_be_looked_at_is_told(account, container):
    """Whoever may read an object need not have the right to list parts of large files: that is a note, and no more."""
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, "ex", storage_url=proxy.through(account.server.storage_url))
        MODO.create("", storage, id="ex")
        proxy.inject(Fault(method="GET", after=2, times=None, status=403))
        report = check_object(storage, depth="listing")
    assert told(report) == {("unseen", "parts of large files")}
    assert report.is_clean


def test_what_cannot_be_read_is_not_taken_for_missing(account, container):
    """A document that the service does not give out is no finding but the service's error."""
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, "ex", storage_url=proxy.through(account.server.storage_url))
        MODO.create("", storage, id="ex")
        storage.put(b"{}", "data.zarr/sample/zarr.json")
        proxy.inject(Fault(method="GET", path="sample/zarr.json", times=None, status=403))
        with pytest.raises(StorageError, match="403"):
            check_object(storage, depth="listing")


@pytest.mark.parametrize(("depth", "status"), [("contents", 403), ("indexes", 403), ("contents", 409)])
def test_a_file_that_cannot_be_read_is_told_beside_all_others(two, depth, status):
    """It is one finding, and the others are looked at all the same; it is neither sound nor missing nor changed.

    Nobody may read what is forbidden (403), nor can a service give a large file of which a segment is lost (409).
    """
    modo, proxy = two
    modo.storage.put(b"no reads", "two.fastq")
    proxy.inject(Fault(method="GET", path="one.fastq", times=None, status=status))
    report, found = check_object(modo.storage, depth=depth), modo.verify(deep=True)
    assert [each.place for each in report.findings if each.code == "unreadable-file"] == ["one.fastq"]
    assert {each.place for each in report.findings} == {"one.fastq", *(["two.fastq"] if depth == "contents" else [])}
    assert not report.is_clean
    assert (found.unreadable, found.changed, found.missing, found.is_sound) == (
        ("one.fastq",),
        ("two.fastq",),
        (),
        False,
    )


def test_of_an_encrypted_file_nothing_is_claimed(ex, tmp_path):
    """Without a key nobody can tell whether it is what is said."""
    (tmp_path / "reads.bam.c4gh").write_bytes(b"crypt4gh\1\0\0\0" + bytes(200))
    MODO("", ex).add_element({"@type": "DataEntity", "id": "r", "data_format": "BAM"}, tmp_path / "reads.bam.c4gh")
    assert check_object(ex).findings == ()


def test_a_file_that_is_cut_off_is_found(ex, tmp_path):
    """Also one that was cut off before it was added, of which every checksum is right."""
    files = write_samples(tmp_path)
    files.bam.write_bytes(files.bam.read_bytes()[:-28])
    MODO("", ex).add_element({"@type": "AlignmentSet", "id": "r", "data_format": "BAM"}, files.bam)
    (finding,) = check_object(ex).findings
    assert (finding.code, finding.place, finding.severity) == ("cut-off", files.bam.name, "error")
    assert "backups" in finding.remedy
    assert check_object(ex, depth="listing").findings == ()


def test_an_object_inside_another_is_one_finding(ex, tmp_path):
    """It is named, and of its files and of those of objects inside it none is called extra."""
    MODO.create(tmp_path / "inner").add_element({"@type": "Sample", "id": "s1"})
    for place in ("deep/inner", "deep/inner/more"):
        shutil.copytree(tmp_path / "inner", ex.path / place, dirs_exist_ok=True)
    ex.put(b"x", "deep/notes.txt")
    report = check_object(ex)
    assert told(report) == {("inner-object", "deep/inner"), ("extra-file", "deep/notes.txt")}
    assert f"'modos transfer {ex.url}/deep/inner" in report.findings[0].remedy
    assert not report.is_clean


def test_a_missing_index_is_found(ex, tmp_path):
    """With the command that makes it; a look at the listing alone does not need one."""
    (tmp_path / "ref.fa").write_bytes(b">chr1\nACGT\n")
    MODO("", ex).add_element({"@type": "ReferenceGenome", "id": "r"}, tmp_path / "ref.fa")
    (finding,) = check_object(ex).findings
    assert (finding.code, finding.place) == ("index", "ref.fa")
    assert "modos index" in finding.remedy
    assert check_object(ex, depth="listing").findings == ()


def without_members(storage):
    document = root_of(storage)
    del document["consolidated_metadata"]
    storage.put(json.dumps(document).encode(), ROOT_DOCUMENT)


def without_kind(storage):
    document = root_of(storage)
    del document["consolidated_metadata"]["metadata"]["sequence"]
    storage.put(json.dumps(document).encode(), ROOT_DOCUMENT)


def cut_off(storage):
    storage.put(storage.read(ROOT_DOCUMENT)[:-200], ROOT_DOCUMENT)


def other_format(storage):
    storage.put(storage.read(ROOT_DOCUMENT).replace(b'"zarr_format": 3', b'"zarr_format": 9'), ROOT_DOCUMENT)


def left_group(storage):
    storage.put(group_document({"@type": "Sample"}), "data.zarr/sample/left/zarr.json")
    storage.put(b"x", "data.zarr/sample/left/array/c/0")


HIERARCHIES = {
    "cut off": (cut_off, ("unreadable-root", ROOT_DOCUMENT)),
    "another number": (other_format, ("unreadable-root", ROOT_DOCUMENT)),
    "not consolidated": (without_members, ("unconsolidated", ROOT_DOCUMENT)),
    "a kind is missing": (without_kind, ("missing-kind", "sequence")),
    "a group is missing": (
        lambda storage: storage.remove("data.zarr/sample/s1/zarr.json"),
        ("missing-group", "sample/s1"),
    ),
    "a group says else": (
        lambda storage: storage.put(group_document({"@type": "Sample"}), "data.zarr/sample/s1/zarr.json"),
        ("stale-group", "sample/s1"),
    ),
    "a group is no JSON": (
        lambda storage: storage.put(b"{", "data.zarr/sample/s1/zarr.json"),
        ("unreadable-group", "sample/s1"),
    ),
    "a group is left": (left_group, ("orphan-group", "sample/left")),
    "a chunk is left": (
        lambda storage: storage.put(b"x", "data.zarr/sample/s1/lost/c/0"),
        ("orphan-chunk", "data.zarr/sample/s1/lost/c/0"),
    ),
}


@pytest.mark.parametrize("name", HIERARCHIES)
def test_a_damaged_hierarchy_is_repaired(ex, name):
    """It is found, a dry run only tells, and after the repair all is as it was."""
    damage, expected = HIERARCHIES[name]
    before, attributes = MODO("", ex).metadata, root_of(ex)["attributes"]
    documents = set(ex.list("data.zarr"))
    damage(ex)
    damaged = {str(path): ex.read(path) for path in ex.list()}
    assert expected in told(check_object(ex, grace=AT_ONCE))
    planned = repair_object(ex, grace=AT_ONCE, dry_run=True)
    assert expected in {(each.code, each.place) for each in planned.repairs}
    assert not planned.is_clean
    assert {str(path): ex.read(path) for path in ex.list()} == damaged
    report = repair_object(ex, grace=AT_ONCE)
    assert [(each.code, each.place) for each in report.repairs] == [(each.code, each.place) for each in planned.repairs]
    assert report.findings == ()
    assert MODO("", ex).metadata == before
    assert root_of(ex)["attributes"] == attributes
    assert set(ex.list("data.zarr")) == documents
    assert MODO("", ex).zarr["sample/s1/own"][...].tolist() == [1, 2, 3]


def test_a_directory_in_the_place_of_a_document_stops_no_repair(tmp_path):
    """It is told, with what to do; all else is repaired, and this as well once what is in it is gone or old enough to go."""
    modo = MODO.create(tmp_path / "ex")
    for name in ("a{}", "b"):
        modo.add_element({"@type": "Sample", "id": name})
        modo.storage.remove(f"data.zarr/sample/{name}/zarr.json")
    modo.storage.put(b"precious", "data.zarr/sample/a{}/zarr.json/notes.txt")
    report = modo.check(repair=True)
    assert [each.place for each in report.repairs] == ["sample/b"]
    (left,) = (each for each in report.findings if each.severity != "note")
    assert (left.code, left.place) == ("missing-group", "sample/a{}")
    assert "move what is in data.zarr/sample/a{}/zarr.json/ elsewhere" in left.remedy
    assert modo.storage.read("data.zarr/sample/a{}/zarr.json/notes.txt") == b"precious"
    report = modo.check(repair=True, grace=timedelta(0))
    assert {each.code for each in report.repairs} == {"orphan-chunk", "missing-group"}
    assert report.is_clean
    modo.update_element("a{}", {"name": "again"})


def test_damages_are_repaired_in_every_place(whole):
    """Several at once, then the root document itself; files and what is said are as they were."""
    before, files = MODO("", whole).metadata, {path: whole.stat(path).etag for path in MODO("", whole).list_files()}
    damages = ["a kind is missing", "a group is left", "a chunk is left"]
    for name in damages:
        HIERARCHIES[name][0](whole)
    whole.remove("data.zarr/sample/sample2/zarr.json")
    whole.put(group_document({"@type": "Sample"}), "data.zarr/sample/sample1/zarr.json")
    report = repair_object(whole, depth="listing", grace=AT_ONCE)
    assert {each.code for each in report.repairs} == {
        *(HIERARCHIES[name][1][0] for name in damages),
        "missing-group",
        "stale-group",
    }
    assert report.findings == ()
    cut_off(whole)
    assert told(check_object(whole, depth="listing")) == {("unreadable-root", ROOT_DOCUMENT)}
    assert repair_object(whole, depth="listing").findings == ()
    assert MODO("", whole).metadata == before
    assert {path: whole.stat(path).etag for path in MODO("", whole).list_files()} == files


@pytest.mark.parametrize("name", ["a group says else", "a group is left", "a chunk is left"])
def test_what_is_young_may_be_that_of_a_writer_at_work(ex, name):
    """It is a note, and stays; the object is clean."""
    HIERARCHIES[name][0](ex)
    before = {str(path): ex.read(path) for path in ex.list()}
    report = repair_object(ex)
    assert [(each.code, each.severity) for each in report.findings] == [(HIERARCHIES[name][1][0], "note")]
    assert report.is_clean
    assert report.repairs == ()
    assert {str(path): ex.read(path) for path in ex.list()} == before


@pytest.mark.parametrize("grace", [timedelta.max, timedelta.min])
def test_a_grace_time_may_be_as_long_as_one_likes(ex, grace):
    """One that reaches before the first of all days leaves everything, one that is over before it begins nothing."""
    left_group(ex)
    (found,) = check_object(ex, grace=grace).findings
    assert (found.code, found.severity == "note") == ("orphan-group", grace == timedelta.max)
    modo = MODO(storage=ex)
    assert len(modo.check(repair=True, grace=grace).repairs) == (0 if grace == timedelta.max else 1)
    modo.remove_array("s1", "own")
    assert bool(modo.empty_trash(grace)) == (grace == timedelta.min)


def test_arrays_of_other_programs_are_never_removed(ex):
    """What stands outside the kinds of elements is told, and stays."""
    MODO("", ex).zarr.create_array("notes/x", data=np.arange(3))
    report = repair_object(ex, grace=AT_ONCE)
    assert told(report) == {("orphan-group", "notes")}
    assert report.is_clean
    assert ex.exists("data.zarr/notes/x/zarr.json")


@pytest.mark.parametrize("name", ["zarr.json", "x" * 256])
def test_what_has_a_name_that_none_may_have_stops_no_repair(ex, name):
    """There is no place for its document: that is told, with where to take it out; all else is repaired."""
    document = root_of(ex)
    members = document["consolidated_metadata"]["metadata"]
    members[f"sample/{name}"] = {**members["sample"], "attributes": {"@type": "Sample"}}
    ex.put(json.dumps(document).encode(), ROOT_DOCUMENT)
    ex.remove("data.zarr/sample/s1/zarr.json")
    report = repair_object(ex, grace=AT_ONCE)
    assert [each.place for each in report.repairs] == ["sample/s1"]
    assert told(report) == {("schema", f"sample/{name}"), ("missing-group", f"sample/{name}")}
    assert {each.remedy for each in report.findings} == {NAMELESS}


def test_what_cannot_be_read_of_a_damaged_root_is_not_guessed(ex):
    """A byte of its id that is damaged makes no other id of it."""
    ex.put(ex.read(ROOT_DOCUMENT).replace(b'"id": "ex"', b'"id": "e\xff"'), ROOT_DOCUMENT)
    before = ex.read(ROOT_DOCUMENT)
    report = repair_object(ex, grace=AT_ONCE)
    assert ("unreadable-root", ROOT_DOCUMENT) in told(report)
    assert report.repairs == ()
    assert ex.read(ROOT_DOCUMENT) == before


@pytest.mark.parametrize("body", [None, b"", b"\xff\xfe", b"[]", b'{"attributes": {"name": "no id"}}'])
def test_an_object_whose_own_attributes_are_lost_is_not_guessed_at(ex, body):
    """It is told, and a repair writes nothing."""
    ex.remove(ROOT_DOCUMENT) if body is None else ex.put(body, ROOT_DOCUMENT)
    before = {str(path): ex.read(path) for path in ex.list()}
    report = repair_object(ex, grace=AT_ONCE)
    assert told(report) == {("no-root" if body is None else "unreadable-root", ROOT_DOCUMENT)}
    assert "--repair" not in report.findings[0].remedy
    assert {str(path): ex.read(path) for path in ex.list()} == before


def test_opening_a_damaged_object_names_the_command_that_tells_more(place):
    """In every place, whether the root document is broken or gone."""
    MODO.create("", place, id="ex").add_element({"@type": "Sample", "id": "s1"})
    body = place.read(ROOT_DOCUMENT)
    for damage in (cut_off, other_format, lambda storage: storage.remove(ROOT_DOCUMENT)):
        damage(place)
        with pytest.raises(ModosError) as caught:
            MODO("", place)
        assert any(f"modos check {place.url}" in each for each in caught.value.__notes__)
        place.put(body, ROOT_DOCUMENT)


def test_an_object_is_never_shown_empty_when_it_is_not(whole):
    """Consolidated metadata without anything in it, as some programs write it, are not believed."""
    before = MODO("", whole).metadata
    document = root_of(whole)
    document["consolidated_metadata"]["metadata"] = {}
    whole.put(json.dumps(document).encode(), ROOT_DOCUMENT)
    assert MODO("", whole).metadata == before
    assert told(check_object(whole, depth="listing")) >= {("unconsolidated", ROOT_DOCUMENT)}
    assert repair_object(whole, depth="listing").findings == ()
    assert MODO("", whole)._said.consolidated


def test_where_there_is_nothing_there_is_nothing_to_check(place):
    """Neither an empty place nor files without a hierarchy are an object; a wrong depth is refused."""
    place.put(b"x", "notes.txt")
    for check in (check_object, repair_object):
        with pytest.raises(ObjectNotFoundError):
            check(place)
    with pytest.raises(InvalidInputError, match="listing, indexes, contents"):
        check_object(place, depth="deep")


def test_a_repair_does_not_undo_what_another_writer_commits_meanwhile(make_storage, writes):
    """A commit between the look and the write is kept: the repair is planned anew on what it says."""
    storage = make_storage("swift")
    MODO.create("", storage, id="ex")
    document = root_of(storage)
    members = document["consolidated_metadata"]["metadata"]
    members["sample/new"] = {**members["sample"], "attributes": {"@type": "Sample"}}
    del members["sequence"]
    theirs = json.dumps(document).encode()
    storage.remove("data.zarr/sequence/zarr.json")
    without_kind(storage)

    def commit(_number, _name):
        writes.hook = lambda number, name: None
        storage.put(group_document({"@type": "Sample"}), "data.zarr/sample/new/zarr.json")
        storage.put(theirs, ROOT_DOCUMENT)

    writes.hook = commit
    report = repair_object(storage)
    assert [(each.code, each.place) for each in report.repairs] == [("missing-kind", "sequence")]
    assert report.findings == ()
    assert MODO("", storage).metadata["sample/new"] == {"@type": "Sample"}


def test_a_writer_at_work_is_no_damage(ex, tmp_path):
    """While another adds and removes elements with files, every check is of one moment: nothing but notes."""
    (tmp_path / "reads.fastq").write_text("@r1\nACGT\n+\nIIII\n")
    ended = threading.Event()

    def write():
        modo = MODO("", ex)
        while not ended.is_set():
            modo.add_element({"@type": "DataEntity", "id": "d", "data_format": "FASTQ"}, tmp_path / "reads.fastq")
            modo.remove_element("d")

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            reports = [check_object(ex, depth="listing") for _ in range(60)]
        finally:
            ended.set()
        writer.result()
    assert [str(each) for report in reports for each in report.findings if each.severity != "note"] == []


def test_a_report_is_json_and_sorted(ex):
    """The worst first; every finding has a place, a sentence and a remedy, and its code is one of the table."""
    say(ex, "sample/bad", {"@type": "Sample", "sex": {"a": [1] * 10_000}, "name": ["x"]})
    ex.put(b"x", "notes.txt")
    without_kind(ex)
    report = check_object(ex)
    back = json.loads(json.dumps(report.as_dict()))
    assert [each["severity"] for each in back["findings"]] == ["error", "error", "warning", "note"]
    assert len(json.dumps(back)) < 5_000
    assert all(each.code in KINDS and each.place and each.what and each.remedy for each in report.findings)
    assert (back["is_clean"], back["url"], back["repairs"]) == (False, ex.url, [])


def test_what_a_file_is_called_does_not_reach_the_terminal_as_it_is():
    """A name may hold line feeds and sequences that a terminal obeys; it is quoted then."""
    found = finding("extra-file", "a\n\x1b[31m", "is described by nothing", "ex")
    assert str(found) == "note: 'a\\n\\x1b[31m': is described by nothing [extra-file]"
    assert found.as_dict()["place"] == "a\n\x1b[31m"


def test_planning_a_repair_asks_nothing(ex):
    """It is decided from the evidence alone, and a clean object needs none."""
    assert plan_repair(gather(ex), AT_ONCE).repairs == ()
    cut_off(ex)
    evidence = gather(ex)
    ex.remove_tree()
    plan = plan_repair(evidence, AT_ONCE)
    assert set(ZarrRoot.parse(plan.root, ex.url).members) == set(evidence.documents)


def test_however_a_root_document_is_damaged_the_report_says_so(ex, make_storage):
    """Sixty damages: a report or a `ModosError`, never another exception, and never a change."""
    body = ex.read(ROOT_DOCUMENT)
    rng = random.Random(7)
    for _ in range(60):
        damaged = bytearray(body)
        for _ in range(rng.choice([1, 1, 4, 30])):
            where = rng.randrange(len(damaged))
            damaged[where : where + rng.choice([0, 1, 1, 50])] = rng.choice(
                [b"", b"{", b"9", b'"', b"\xff", b"null", b"[]"]
            )
        ex.put(bytes(damaged), ROOT_DOCUMENT)
        report = repair_object(ex, depth="listing", grace=AT_ONCE, dry_run=True)
        assert json.dumps(report.as_dict())
        assert ex.read(ROOT_DOCUMENT) == bytes(damaged)
        try:
            MODO("", ex)
        except ModosError:
            assert not report.is_clean


WEIRD = [None, 1.5, True, "", [], {}, "x", [None], {"a": 1}, [[]], "../x", "a\0b", "\ud800", 10**30, ["assay/a1", 7]]


def test_whatever_stands_in_a_root_document_the_report_says_so(ex):
    """Values of other types, and slots and groups under other names: a report, and nothing that a second repair would do."""
    good, whole = root_of(ex), {str(path): ex.read(path) for path in ex.list("data.zarr")}
    rng = random.Random(3)
    for _ in range(30):
        document = copy.deepcopy(good)
        for _ in range(rng.choice([1, 1, 3])):
            place = document
            while True:
                key = rng.choice([*place])
                if not isinstance(place[key], dict) or not place[key] or rng.random() < 0.15:
                    break
                place = place[key]
            if rng.random() < 0.2:
                place[rng.choice(["", "..", "a/b", "sample/..", "@type", "id"])] = place.pop(key)
            else:
                place[key] = rng.choice(WEIRD)
        body = json.dumps(document).encode()
        ex.put(body, ROOT_DOCUMENT)
        assert json.dumps(repair_object(ex, depth="listing", grace=AT_ONCE, dry_run=True).as_dict())
        assert ex.read(ROOT_DOCUMENT) == body
        repair_object(ex, depth="listing", grace=AT_ONCE)
        report = repair_object(ex, depth="listing", grace=AT_ONCE)
        assert report.repairs == ()
        try:
            MODO("", ex)
        except ModosError:
            assert not report.is_clean
        for path in ex.list("data.zarr"):
            ex.remove(path)
        for name, kept in whole.items():
            ex.put(kept, name)


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_looking_at_the_listing_does_not_grow_with_the_object(account, container, kind):
    """One listing, one read, and what it takes to ask for parts of large files: one request of Swift, two of S3."""
    server = account.server
    with Proxy(server.url) as proxy:
        storage = (
            account.s3(container, endpoint=proxy.through(server.s3_endpoint))
            if kind == "s3"
            else account.swift(container, storage_url=proxy.through(server.storage_url))
        )
        counts = []
        for number in (2, 25):
            names = {f"sample/s{each}": {"@type": "Sample", "name": f"Sample {each}"} for each in range(number)}
            modo = MODO.create(f"ex{number}", storage)
            root = ZarrRoot.parse(modo.storage.read(ROOT_DOCUMENT), modo.url)
            groups = {name: {**root.members["sample"], "attributes": said} for name, said in names.items()}
            for name, said in names.items():
                account.put(container, f"ex{number}/data.zarr/{name}/zarr.json", group_document(said))
            modo.storage.put(ZarrRoot(root.attributes, {**root.members, **groups}).dump(), ROOT_DOCUMENT)
            proxy.clear()
            assert check_object(modo.storage, depth="listing").findings == ()
            counts.append([request.method for request in proxy.requests])
        assert counts == [["GET"] * {"s3": 4, "swift": 3}[kind]] * 2
