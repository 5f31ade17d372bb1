"""What each command does, on every kind of place, and what it writes where."""

import io
import json

import pytest
import rdflib
import yaml

from modos import MODO
from modos.cli.object.publish import Format
from modos.cli.progress import shown
from modos.linked_data import FORMATS
from modos.transfers import Progress

SAMPLE = '{"@type": "Sample", "id": "s2", "sex": "Female"}'


def describe(path, *elements, **first):
    entries = [{"element": {"@type": "MODO", "id": "ex", **first}}, *({"element": each} for each in elements)]
    entries[0]["element"] |= {"creation_date": "2024-01-17T00:00:00", "last_update_date": "2024-01-17T00:00:00"}
    path.write_text(yaml.safe_dump(entries))
    return path


def test_an_object_lives_its_whole_life_by_command_on_every_kind_of_place(modos, place, ex, tmp_path):
    """Create, add, update, list, show, publish, transfer and remove work alike on disk, in S3 and in Swift."""
    here, access = place / "study/ex", place.options
    reads = tmp_path / "reads.fastq"

    created = modos("create", here, "--name", "Pilot", *access)
    added = modos("add", here, "-e", SAMPLE, *access)
    data = '{"@type": "DataEntity", "id": "d1", "data_format": "FASTQ"}'
    with_file = modos("add", here, "-e", data, "--source-file", reads, *access)
    updated = modos("update", here, "s2", "-e", '{"sex": null, "name": "Two"}', *access)
    shown = modos("show", here, "--json", *access)
    files = modos("show", here, "--files", *access)
    listed = modos("list", place.url, *access)
    published = modos("publish", here, "--format", "n-triples", *access)
    copied = modos("transfer", here, tmp_path / "copy", *access)
    back = modos("transfer", tmp_path / "copy", place / "again", "--json", *access)
    removed = modos("remove", here, "d1", *access)
    after = modos("show", here, "--files", *access)
    gone = modos("remove", here, "--force", *access)

    results = [created, added, with_file, updated, shown, files, listed, published, copied, back, removed, after, gone]
    assert [result.code for result in results] == [0] * len(results), [result.err for result in results]
    assert (created.out, listed.out) == (f"{here}\n", f"{here}\n")
    assert (added.out, with_file.out, files.out, after.out) == ("sample/s2\n", "data/d1\n", "reads.fastq\n", "")
    assert json.loads(shown.out)["sample/s2"] == {"@type": "Sample", "name": "Two"}
    assert '"Two"' in published.out
    assert MODO(tmp_path / "copy").metadata == json.loads(shown.out)
    assert "data.zarr/zarr.json" in json.loads(back.out)["digests"]
    assert (
        modos("list", place.url, "--json", *access).out
        == json.dumps([{"url": place / "again", "path": "again"}], indent=2) + "\n"
    )


def test_a_description_creates_an_object_and_brings_it_up_to_date(modos, place, tmp_path):
    """`create --from-file` makes all elements; `update --from-file` removes what is no longer named, unless told not to."""
    here, access = place / "ex", place.options
    both = describe(tmp_path / "both.yaml", {"@type": "Sample", "id": "s1"}, {"@type": "Sample", "id": "s2"})
    one = describe(tmp_path / "one.yaml", {"@type": "Sample", "id": "s1", "name": "One"}, name="Pilot")

    assert modos("create", "--from-file", both, here, *access).code == 0
    assert modos("update", here, "--from-file", one, "--no-remove", *access).code == 0
    kept = json.loads(modos("show", here, "--json", *access).out)
    assert modos("update", here, "--from-file", one, *access).code == 0
    left = json.loads(modos("show", here, "--json", *access).out)

    assert sorted(kept) == ["ex", "sample/s1", "sample/s2"]
    assert sorted(left) == ["ex", "sample/s1"]
    assert left["ex"]["name"] == "Pilot"


def test_several_elements_are_added_by_one_document_in_any_order(modos, ex, tmp_path):
    """Entries may link to each other and bring files, which are looked for beside the document."""
    (tmp_path / "in" / "data").mkdir(parents=True)
    (tmp_path / "in" / "data" / "calls.tsv").write_text("a\tb\n")
    entries = [
        {
            "element": {"@type": "DataEntity", "id": "calls", "data_format": "TSV", "has_sample": "s9"},
            "args": {"source_file": "data/calls.tsv", "part_of": "assay1"},
        },
        {"element": {"@type": "Sample", "id": "s9"}},
    ]
    for name, text in {"more.yaml": yaml.safe_dump(entries), "more.json": json.dumps(entries)}.items():
        (tmp_path / "in" / name).write_text(text)
        result = modos("add", ex, "--from-file", tmp_path / "in" / name)
        assert (result.code, result.out) == (0, "data/calls\nsample/s9\n"), result.err
        assert MODO(ex).metadata["assay/assay1"]["has_data"] == ["data/reads", "data/calls"]
        assert modos("remove", ex, "calls").code == modos("remove", ex, "s9").code == 0


def test_a_file_is_replaced_without_mentioning_slots(modos, ex, tmp_path):
    """`update OBJECT ELEMENT --source-file` is enough to replace a file."""
    better = tmp_path / "reads.fastq"
    better.write_text("@r1\nTTTT\n+\nIIII\n")

    assert modos("update", ex, "reads", "--source-file", better).code == 0
    assert (ex / "reads.fastq").read_text() == better.read_text()


def test_the_object_itself_is_updated_by_its_id(modos, ex):
    """`update ex ex` sets slots of the object."""
    assert modos("update", ex, "ex", "-e", '{"description": "new"}').code == 0
    assert MODO(ex).metadata["ex"]["description"] == "new"


@pytest.mark.parametrize("option", [(), ("s1",), ("--zarr",), ("reads", "--zarr"), ("--files",)])
def test_what_is_shown_is_what_python_says(modos, ex, option):
    """`show` writes what the object's own methods return, and nothing else."""
    modo = MODO(ex)
    element = next((each for each in option if not each.startswith("--")), None)
    expected = modo.list_arrays(element) if "--zarr" in option else modo.show_contents(element).rstrip("\n")
    if "--files" in option:
        expected = "\n".join(map(str, modo.list_files()))

    result = modos("show", ex, *option)

    assert (result.code, result.out, result.err) == (0, expected + "\n", "")


def test_everything_that_is_shown_is_there_in_json(modos, ex):
    """`--json` goes with every form of `show`."""
    shown = {
        option: json.loads(modos("show", ex, *option, "--json").out)
        for option in [("s1",), ("--zarr",), ("s1", "--zarr"), ("reads", "--zarr"), ("--files",)]
    }

    array = {"data/reads/lengths": {"shape": [2, 2], "data_type": "int64"}}
    assert shown == {
        ("s1",): {"sample/s1": {"@type": "Sample", "sex": "Male"}},
        ("--zarr",): array,
        ("s1", "--zarr"): {},
        ("reads", "--zarr"): array,
        ("--files",): ["reads.fastq"],
    }


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # in rdflib's own parser
@pytest.mark.parametrize("format_", list(Format))
def test_metadata_is_published_in_every_format(modos, ex, format_):
    """What is published can be read back, and its IRIs begin as was asked."""
    result = modos("publish", ex, "--format", format_.value.upper(), "--base-uri", "https://example.org/ex/")

    graph = rdflib.Graph().parse(data=result.out, format={"n-triples": "nt"}.get(format_, format_))
    assert format_ in FORMATS
    assert rdflib.URIRef("https://example.org/ex/sample/s1") in set(graph.subjects())


def test_a_transfer_tells_how_far_it_is_in_plain_lines(modos, ex, tmp_path):
    """Without a terminal, progress is whole lines on standard error that never go back; the result is on standard output."""
    result = modos("transfer", ex, tmp_path / "copy")

    files = sum(path.is_file() for path in ex.rglob("*"))
    assert result.out.startswith(f"{tmp_path / 'copy'}: {files} files (")
    assert result.out.endswith("all verified\n")
    lines = result.err.splitlines()
    assert lines[0].startswith(f"0 of {files} files, 0 bytes of ")
    assert len(lines) <= files
    assert all(" files, " in line for line in lines)


def test_a_line_of_progress_is_written_once_a_second_at_most(monkeypatch, capsys):
    """And for each tenth at most, but at the beginning and at the end in any case: a job of a moment is two lines."""
    moments = [(0.1, 0), (0.2, 3), (1.0, 5), (1.2, 6), (1.9, 9), (2.3, 9), (9.0, 9), (9.1, 10)]

    monkeypatch.setattr("time.monotonic", lambda: moments[0][0])
    with shown() as tell:
        while moments:
            tell(Progress(moments[0][1], 10, moments[0][1], 10, "file" if moments[0][1] else ""))
            moments.pop(0)

    told = [int(line.partition(" of ")[0]) for line in capsys.readouterr().err.splitlines()]
    assert told == [0, 6, 9, 10]


def test_another_object_is_replaced_only_when_told_so(modos, ex, tmp_path):
    """`transfer` refuses a place that is taken; `--overwrite` takes it."""
    MODO.create(tmp_path / "other", id="other")

    refused = modos("transfer", ex, tmp_path / "other")
    assert (refused.code, MODO(tmp_path / "other").id) == (1, "other")
    assert modos("transfer", ex, tmp_path / "other", "--overwrite").code == 0
    assert MODO(tmp_path / "other").id == "ex"


class Terminal(io.StringIO):
    """What someone types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "n\n", "\n", ""])
def test_a_whole_object_is_removed_only_when_confirmed(modos, ex, monkeypatch, answer):
    """The question names the object, and anything but yes keeps it."""
    monkeypatch.setattr("sys.stdin", Terminal(answer))

    result = modos("remove", ex)

    yes = answer.lower().startswith("y")
    assert (result.code, ex.exists(), result.out) == (0 if yes else 1, not yes, "")
    assert result.err == f"Remove {ex} with everything in it? [y/N] " + ("" if yes else "modos: nothing was removed\n")


def test_an_empty_place_is_listed_as_empty(modos, place):
    """No objects is no failure: nothing on standard output, a remark on standard error, an empty list in JSON."""
    plain, as_json = modos("list", place.url, *place.options), modos("list", place.url, "--json", *place.options)

    assert (plain.code, plain.out, plain.err) == (0, "", f"modos: {place.url}: there are no digital objects here\n")
    assert (as_json.code, as_json.out, as_json.err) == (0, "[]\n", "")


def test_one_endpoint_serves_whichever_side_is_in_s3(modos, ex, account, monkeypatch):
    """`--endpoint` goes with a source or a target in S3; `--target-endpoint` is for a target elsewhere."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.server.user)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", account.server.key)
    there, back, service = f"s3://{account.container()}/ex", f"{ex}-back", account.server.s3_endpoint

    results = [
        modos("transfer", ex, there, "--endpoint", service),
        modos("transfer", there, back, "--endpoint", service),
        modos("transfer", there, f"{there}2", "--endpoint", service),
        modos("transfer", ex, f"{there}3", "--target-endpoint", service),
    ]

    assert [result.code for result in results] == [0] * 4, [result.err for result in results]
    assert MODO(back).checksum() == MODO(ex).checksum()
