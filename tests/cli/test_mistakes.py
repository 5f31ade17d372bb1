"""What a user gets wrong: one sentence on standard error, an exit code, and nothing written."""

import json
import os

import pytest
import yaml

from modos import MODO
from modos.cli.places import access
from modos.storage import open_storage

pytestmark = pytest.mark.thorough

SAMPLE = {"@type": "Sample", "id": "s2"}
OBJECT = {"@type": "MODO", "id": "ex", "creation_date": "2024-01-17", "last_update_date": "2024-01-17"}

DOCUMENTS = {
    "broken.yaml": "- element: {id: ex\n",
    "slot.yaml": yaml.safe_dump([{"element": OBJECT}, {"element": {**SAMPLE, "sexx": "Male"}}]),
    "file.yaml": yaml.safe_dump([{"element": OBJECT}, {"element": SAMPLE, "args": {"source_file": "nope.cram"}}]),
    "second.json": json.dumps([{"element": SAMPLE}, {"element": {**SAMPLE, "id": "s3", "sex": "Mal"}}]),
    "taken.yaml": yaml.safe_dump([{"element": SAMPLE}, {"element": {"@type": "Sample", "id": "s1"}}]),
    "list.json": "{}",
    "latin.yaml": b"- element: {id: fr\xfch}\n",
    "good.yaml": yaml.safe_dump([{"element": OBJECT}]),
    "notes.txt": "",
    "column.csv": "@type,sexx\nSample,Male\n",
    "nameless.csv": "@type,sex\nSample,Male\n",
}

MISTAKES = [
    # command line, exit code, what the sentence says
    ("show {nothing}", 1, "there is no digital object here"),
    ("show {plain}", 1, "there is no digital object here"),
    ("show {ex} s9", 1, "there is no element 's9'"),
    ("show {ex} --zarr --files", 2, "--zarr and --files do not go together"),
    ("show {ex} s1 --files", 2, "leave the ELEMENT out"),
    ("show", 2, "Missing argument 'OBJECT'; see 'modos show --help'"),
    ("shwo {ex}", 2, "No such command 'shwo'"),
    ("show {ex} --jsn", 2, "No such option: --jsn"),
    ("create {ex}", 1, "there is a digital object here already"),
    ("create {nothing} --id a/b", 1, "id 'a/b'"),
    ("create {ex} --from-file good.yaml", 1, "there is a digital object here already"),
    ("create {nothing} --from-file good.yaml --name x", 2, "--name and --from-file do not go together"),
    ("create {nothing} --from-file nope.yaml", 1, "nope.yaml: cannot be read, No such file or directory"),
    ("create {nothing} --from-file broken.yaml", 1, "broken.yaml, line 2"),
    ("create {nothing} --from-file latin.yaml", 1, "latin.yaml, line 1: is not in UTF-8"),
    ("create {nothing} --from-file list.json", 1, "list.json: is not a list of entries"),
    ("create {nothing} --from-file notes.txt", 1, "the name of a description ends in"),
    ("create {nothing} --from-file slot.yaml", 1, "'sexx' is no slot of Sample"),
    ("create {nothing} --from-file file.yaml", 1, "there is no file 'nope.cram'"),
    (
        "create {nothing} --from-file second.json",
        1,
        "second.json: a description has one entry with @type MODO, for the object itself; this one has none",
    ),
    ("add {ex}", 2, "give --element or --from-file"),
    ("add {ex} --from-file=", 1, "'' names no description"),
    ("add {ex} --from-file notes.txt --format yml", 1, "did you mean 'yaml' or"),
    ("add {ex} --from-file column.csv", 1, "column.csv, line 1, column 2: the column 'sexx' is no slot"),
    (
        "add {ex} --from-file nameless.csv",
        1,
        "id is missing, which every Sample needs; while reading the entry of nameless.csv",
    ),
    ("add {ex} --element {{}} --format yaml", 2, "--format goes with --from-file"),
    ("create {nothing} --dry-run", 2, "--dry-run goes with --from-file"),
    ("create", 2, "Missing argument 'OBJECT'; see 'modos create --help'"),
    ("create --from-file good.yaml", 2, "Missing argument 'OBJECT'"),
    ("add", 2, "Missing argument 'OBJECT'; see 'modos add --help'"),
    ("export {nothing}", 1, "there is no digital object here"),
    ("export {ex} --format yml", 1, "'yml' is no format of descriptions"),
    ("export {ex} -o good.yaml", 1, "good.yaml: is there already"),
    ("export {ex} -o out.txt", 1, "the name of a description ends in"),
    ("export {ex} --overwrite", 2, "--overwrite goes with --output"),
    ("add {ex} --element {{", 2, "is no JSON at line 1, column 2"),
    ('add {ex} --element {{"id":"s2",}}', 2, "is no JSON at line 1, column 1"),
    ('add {ex} --element {{"id":"s2","id":"s3"}}', 2, "the key 'id' is there twice"),
    ('add {ex} --element {{"id":NaN}}', 2, "NaN is no value of JSON"),
    ("add {ex} --element []", 2, "is no mapping of slots"),
    ("add {ex} --element {deep}", 2, "is nested too deeply"),
    ('add {ex} --element {{"@type":"Sample","id":"s2","sexx":"Male"}}', 1, "did you mean 'sex'"),
    ('add {ex} --element {{"@type":"Sample","id":"s2","sex":"Mal"}}', 1, "did you mean 'Male'"),
    ('add {ex} --element {{"@type":"Sample"}}', 1, "without an id"),
    ('add {ex} --element {{"@type":"Sampel","id":"s2"}}', 1, "did you mean 'Sample'"),
    ('add {ex} --element {{"@type":"Sample","id":"s1"}}', 1, "there is an element 'sample/s1' already"),
    ('add {ex} --element {{"@type":"Sample","id":"s2"}} --part-of nobody', 1, "there is no element 'nobody'"),
    ('add {ex} --element {{"@type":"Assay","id":"a2","omics_type":"GENOMICS","has_sample":"s7"}}', 1, "s7"),
    ('add {ex} --element {{"@type":"DataEntity","id":"d","data_format":"FASTQ"}}', 1, "data_path is missing"),
    ("add {ex} --element {data} --source-file nope.fastq", 1, "there is no file 'nope.fastq'"),
    ("add {ex} --element {escaping} --source-file good.yaml", 1, "'../x' cannot be a data_path"),
    ("add {nothing} --element {data} --source-file good.yaml", 1, "there is no digital object here"),
    ("add {ex} --from-file second.json", 1, "sex 'Mal'"),
    ("add {ex} --from-file taken.yaml", 1, "there is an element 'sample/s1' already"),
    ("add {ex} --from-file second.json --part-of ex", 2, "--part-of and --from-file do not go together"),
    ("update {ex}", 2, "name an ELEMENT"),
    ("update {ex} s1", 2, "nothing to update"),
    ("update {ex} s9 --element {{}}", 1, "there is no element 's9'"),
    ('update {ex} s1 --element {{"id":"s2"}}', 1, "an id is not changed by an update"),
    ('update {ex} s1 --element {{"sex":"Mal"}}', 1, "did you mean 'Male'"),
    ("update {ex} s1 --element {{}} --no-remove", 2, "--no-remove goes with --from-file"),
    ("update {ex} s1 --from-file good.yaml", 2, "ELEMENT and --from-file do not go together"),
    ("update {ex} --from-file slot.yaml", 1, "'sexx' is no slot of Sample"),
    ("update {nothing} --from-file good.yaml", 1, "there is no digital object here"),
    ("remove {ex}", 2, "give --force where nobody can be asked"),
    ("remove {ex} s9 --force", 1, "there is no element 's9'"),
    ("remove {nothing} --force", 1, "there is no digital object here"),
    ("remove {plain} --force", 1, "there is no digital object here"),
    ("transfer {ex}", 2, "Missing argument 'DST'"),
    ("transfer {ex} {base}/copy --verify md5", 2, "Invalid value for '--verify': 'md5' is not one of"),
    ("transfer {nothing} {base}/copy", 1, "there is no digital object here"),
    ("transfer {ex} {ex}", 1, "are the same place"),
    ("transfer {ex} {ex}/inside", 1, "one is inside the other"),
    ("transfer {ex} {plain}", 1, "not empty"),
    ("transfer {ex} s4://bucket/ex", 1, "has a scheme that no storage serves"),
    ("check {ex} --grace 999999w", 2, "'999999w' is longer than a century"),
    ("publish {nothing}", 1, "there is no digital object here"),
    ("publish {ex} --format rdfa", 2, "'rdfa' is not one of"),
    ("publish {ex} --base-uri <x>", 2, "'<x>' is no URI"),
    ("list s4://bucket", 1, "has a scheme that no storage serves"),
]

ELEMENTS = {
    "deep": "[" * 200_000,
    "data": '{"@type":"DataEntity","id":"d","data_format":"FASTQ"}',
    "escaping": '{"@type":"DataEntity","id":"d","data_format":"FASTQ","data_path":"../x"}',
}


@pytest.fixture
def documents(tmp_path, monkeypatch):
    """Descriptions with mistakes, in the working directory."""
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, content in DOCUMENTS.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.chdir(folder)
    return folder


def is_one_sentence(result, code):
    """Tell whether a refusal is one line on standard error and nothing on standard output."""
    lines = result.err.splitlines()
    return (
        (result.code, result.out, len(lines)) == (code, "", 1)
        and lines[0].startswith("modos: ")
        and "Traceback" not in result.err
        and "defect" not in result.err
    )


def test_a_mistake_is_one_sentence_and_changes_nothing(modos, place, documents, subtests):
    """On every kind of place, each mistake is refused by a sentence that says what it is."""
    assert modos("create", place / "ex", *place.options).code == 0
    assert modos("add", place / "ex", "-e", '{"@type":"Sample","id":"s1"}', *place.options).code == 0
    (documents / "plain.txt").write_text("plain")
    names = {"ex": place / "ex", "nothing": place / "nothing", "plain": place / "plain", "base": place.url, **ELEMENTS}
    _put_plain(place)
    before = place.content()

    for line, code, sentence in MISTAKES:
        with subtests.test(line):
            arguments = [word.format(**names) for word in line.split()]
            in_place = place.url in " ".join(arguments)
            result = modos(*arguments, *(place.options if in_place else ()))
            assert is_one_sentence(result, code), result
            assert sentence in result.err
            assert place.content() == before


def _put_plain(place) -> None:
    """Store a file where there is no object."""
    endpoint = place.options[1] if place.options else None
    open_storage(place.url, storage_options=access(place.url, endpoint=endpoint)).put(b"plain", "plain/file.txt")


def test_a_folder_that_was_looked_in_is_named_once(modos, documents):
    """A description that lies where one stands has one place for its files."""
    err = modos("create", "new", "--from-file", "file.yaml").err
    assert f"there is no file 'nope.cram' to add; looked in {documents}; while reading the entry 's2'" in err


def test_options_for_s3_go_to_places_in_s3_only():
    """What a place takes from `--endpoint` and `--anon` depends on its address."""
    given = {"endpoint": "https://s3.example.org", "anon": True}

    assert access("S3://bucket/ex", **given) == given
    assert access("s3://bucket/ex") == {}
    assert access("swift://bucket/ex", **given) == access("ex", **given) == {}


def test_options_for_s3_are_refused_elsewhere(modos, ex):
    """`--endpoint` and `--anon` mean nothing without an address in S3, and an endpoint is an address."""
    for line, sentence in [
        ("show {ex} --anon", "--anon is for s3:// addresses, not for"),
        ("show {ex} --endpoint http://localhost", "--endpoint is for s3:// addresses"),
        ("transfer s3://bucket/ex {ex}2 --target-endpoint http://localhost", "--target-endpoint is for s3://"),
        ("transfer {ex} s3://bucket/ex --anon", "--anon is for s3:// addresses"),
        ("show s3://bucket/ex --endpoint localhost:9000", "'localhost:9000' is no address of a service"),
        ("list s3://bucket --endpoint http://[", "is no address of a service"),
    ]:
        result = modos(*line.format(ex=ex).split())
        assert is_one_sentence(result, 2), result
        assert sentence in result.err


@pytest.mark.parametrize("kind", ["s3", "swift"])
@pytest.mark.parametrize("command", ["create", "show", "list", "transfer"])
def test_wrong_and_missing_credentials_are_told_apart_from_missing_objects(modos_process, account, ex, kind, command):
    """Without credentials, or with wrong ones, the sentence speaks of credentials and nothing is written."""
    container = account.container()
    url = f"{kind}://{container}/new"
    endpoint = ["--endpoint", account.server.s3_endpoint] if kind == "s3" else []
    wrong = {
        "s3": {"AWS_ACCESS_KEY_ID": account.server.user, "AWS_SECRET_ACCESS_KEY": "wrong"},
        "swift": {"OS_STORAGE_URL": account.server.storage_url, "OS_AUTH_TOKEN": "wrong"},
    }[kind]
    for environment in ({}, wrong):
        arguments = [command, ex, url] if command == "transfer" else [command, url]
        result = modos_process(*arguments, *endpoint, env={**os.environ, **environment})
        assert is_one_sentence(result, 1), result
        assert "credentials" in result.err or "token" in result.err
    assert json.loads(account.ask("GET", f"/{container}?format=json")[2]) == []


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_a_host_that_does_not_answer_is_named(modos_process, kind):
    """A refused connection is one sentence with the address."""
    nowhere = "http://127.0.0.1:1"
    variables = {
        "s3": {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        "swift": {"OS_STORAGE_URL": f"{nowhere}/v1/AUTH_lab", "OS_AUTH_TOKEN": "t"},
    }[kind]
    endpoint = ["--endpoint", nowhere] if kind == "s3" else []

    result = modos_process("show", f"{kind}://bucket/ex", *endpoint, env={**os.environ, **variables})

    assert is_one_sentence(result, 1), result
    assert "no connection" in result.err
    assert nowhere in result.err


def test_a_container_that_is_not_there_is_told(modos, place):
    """Creating, listing and opening in a missing bucket or container fail in a sentence; a missing directory has no objects."""
    missing = f"{place.url}-missing"
    created = modos("create", f"{missing}/ex", *place.options)
    shown = modos("show", f"{missing}/nothing", *place.options)
    listed = modos("list", missing, *place.options)

    assert is_one_sentence(shown, 1), shown
    if place.kind == "local":
        assert created.code == listed.code == 0
        return
    assert is_one_sentence(created, 1), created
    assert is_one_sentence(listed, 1), listed


def test_damaged_metadata_is_one_sentence(modos, ex):
    """An object whose root document is cut short is told as such."""
    root = ex / "data.zarr" / "zarr.json"
    root.write_bytes(root.read_bytes()[:40])

    for command in (["show", ex], ["add", ex, "-e", json.dumps(SAMPLE)], ["transfer", ex, f"{ex}2"]):
        result = modos(*command)
        assert is_one_sentence(result, 1), result
    assert not (ex.parent / "ex2").exists()


def test_what_may_not_be_written_is_told(modos_process):
    """No permission is one sentence."""
    result = modos_process("create", "/proc/1/ex")

    assert is_one_sentence(result, 1), result


def test_notes_of_an_error_follow_its_sentence(modos, ex, tmp_path, monkeypatch):
    """Where a mistake in a description is, is said in the same line."""
    document = tmp_path / "two.yaml"
    document.write_text(yaml.safe_dump([{"element": {**OBJECT, "id": "ex"}}, {"element": {**SAMPLE, "sex": "Mal"}}]))

    result = modos("update", ex, "--from-file", document)

    line = document.read_text().splitlines().index("    sex: Mal") + 1
    assert is_one_sentence(result, 1), result
    assert result.err.endswith(f"; while reading the entry 's2' of {document}, line {line}, column 5\n")
    assert MODO(ex).metadata["sample/s1"]["sex"] == "Male"
