"""The zarr hierarchy as documents: ours open with zarr, zarr's are read by us, damaged ones are named as such."""

import asyncio
import json
import pickle
import re

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import cpu, default_buffer_prototype

from modos import MODO
from modos.errors import (
    DamagedObjectError,
    ElementExistsError,
    IntegrityError,
    InvalidElementError,
    InvalidInputError,
    KeyNotFoundError,
)
from modos.model import ELEMENT_KINDS
from modos.storage import (
    ROOT_DOCUMENT,
    LocalStorage,
    add_data,
    add_metadata_group,
    init_zarr,
    list_zarr_items,
)
from modos.storage.hierarchy.documents import COMPLETE, document_path, group_document, group_member, parse_document
from modos.storage.hierarchy.root import RootText, ZarrRoot, read_root
from modos.storage.hierarchy.store import StorageStore

ROOT = {"@type": "MODO", "id": "ex", "name": "naïve 🧬"}
SAMPLE = {"@type": "Sample", "id": "sample1", "name": "s"}
NOW = "2024-01-17"


def _write(storage, *, consolidated):
    members = {"sample": {}, "sample/sample1": SAMPLE}
    for member, attributes in members.items():
        storage.put(group_document(attributes), document_path(member))
    root = ZarrRoot(ROOT, {member: group_member(attributes) for member, attributes in members.items()})
    storage.put(root.dump() if consolidated else group_document(ROOT), ROOT_DOCUMENT)
    return root


class TestOursInZarr:
    """What we write is zarr."""

    @pytest.mark.parametrize("consolidated", [True, False])
    def test_zarr_opens_our_documents(self, tmp_path, consolidated):
        """`zarr.open_group` reads root, groups and attributes, from the consolidated root or from each document."""
        _write(LocalStorage(tmp_path), consolidated=consolidated)
        group = zarr.open_group(tmp_path / "data.zarr", mode="r", use_consolidated=consolidated)
        assert dict(group.attrs) == ROOT
        assert dict(group["sample/sample1"].attrs) == SAMPLE
        assert {name for name, _ in group.members(max_depth=None)} == {"sample", "sample/sample1"}
        assert (group.metadata.consolidated_metadata is not None) == consolidated

    def test_a_root_is_read_as_it_was_written(self, place):
        """Attributes and members come back, consolidated or looked up one by one."""
        root = _write(place, consolidated=True)
        assert read_root(place) == root
        _write(place, consolidated=False)
        plain = read_root(place)
        assert not plain.consolidated
        assert plain.attributes == ROOT
        assert {path: member["attributes"] for path, member in plain.members.items()} == {
            "sample": {},
            "sample/sample1": SAMPLE,
        }

    def test_what_zarr_writes_is_read(self, tmp_path):
        """A hierarchy with an array that zarr wrote and consolidated has all its members in the root document."""
        storage = LocalStorage(tmp_path)
        group = init_zarr(str(tmp_path / "data.zarr"))
        group.attrs.update(ROOT)
        add_data(add_metadata_group(group["sample"], SAMPLE), np.arange(6).reshape(2, 3), "counts")
        plain = read_root(storage)
        with pytest.warns(zarr.errors.ZarrUserWarning, match="Consolidated"):
            zarr.consolidate_metadata(tmp_path / "data.zarr")
        root = read_root(storage)
        assert root.attributes == plain.attributes == ROOT
        assert root.members["sample/sample1/counts"]["shape"] == [2, 3]
        assert set(root.members) == set(plain.members)

    def test_there_is_no_root_where_nothing_is(self, place):
        """Reading the root of an empty storage is KeyNotFoundError."""
        with pytest.raises(KeyNotFoundError):
            read_root(place)


class TestReferenceFunctions:
    """The functions that `modos.storage` has under the reference's names."""

    def test_init_zarr_makes_a_group_for_each_type(self, tmp_path):
        """The root and one empty group for each type of element; a second time is refused."""
        group = init_zarr(str(tmp_path / "data.zarr"))
        assert {name for name, _ in group.members()} == set(ELEMENT_KINDS) == {
            "assay",
            "data",
            "reference",
            "sample",
            "sequence",
        }  # fmt: skip
        with pytest.raises(zarr.errors.ContainsGroupError):
            init_zarr(str(tmp_path / "data.zarr"))

    def test_an_element_is_one_write(self, tmp_path, monkeypatch):
        """`add_metadata_group` writes one document, with all slots in it."""
        storage = LocalStorage(tmp_path)
        init_zarr(StorageStore(storage / "data.zarr"))
        written = []
        put = LocalStorage.put

        def recording(self, source, name, **options):
            info = put(self, source, name, **options)
            written.append(name)
            return info

        monkeypatch.setattr(LocalStorage, "put", recording)
        group = zarr.open_group(StorageStore(storage / "data.zarr"))
        added = add_metadata_group(group["sample"], SAMPLE)
        assert dict(added.attrs) == {"@type": "Sample", "name": "s"}, "the id is the name of the group"
        assert written == ["sample/sample1/zarr.json"]

    @pytest.mark.parametrize(
        "element", [{**SAMPLE, "no_such_slot": 1}, {**SAMPLE, "@type": "NoSuchType"}, {"@type": "Sample"}]
    )
    def test_an_element_that_the_schema_refuses_is_not_written(self, tmp_path, element):
        """An unknown slot or type, or a missing id, is InvalidElementError, and no group appears."""
        group = init_zarr(str(tmp_path / "data.zarr"))
        with pytest.raises(InvalidElementError):
            add_metadata_group(group["sample"], element)
        assert list(group["sample"].members()) == []

    @pytest.mark.parametrize(
        ("group", "element", "error"),
        [
            ("assay", SAMPLE, "belongs in the group 'sample', not in '/assay'"),
            ("", SAMPLE, "not in '/'"),
            ("data", {"@type": "MODO", "id": "x", "creation_date": NOW, "last_update_date": NOW}, "object itself"),
            ("data", {"@type": "Array", "id": "x", "data_format": "TSV", "data_path": "../x"}, "part '..'"),
            ("sample", {**SAMPLE, "id": "there"}, "'sample/there' already"),
        ],
    )
    def test_an_element_goes_where_it_belongs(self, tmp_path, group, element, error):
        """The group of another type, a file outside the object and an id that is taken are refused; nothing is written."""
        root = init_zarr(str(tmp_path / "data.zarr"))
        add_metadata_group(root["sample"], {**SAMPLE, "id": "there"})
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises((InvalidInputError, ElementExistsError), match=re.escape(error)):
            add_metadata_group(root[group] if group else root, element)
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize(
        ("data", "name"), [([1, [2]], "a"), (np.array([1, "x", None], object), "a"), ([1], "zarr.json"), ([1], "there")]
    )
    def test_data_that_cannot_be_added_are_refused(self, tmp_path, data, name):
        """What is no array, or of no type that zarr has, and names that are taken or zarr's own are mistakes of the caller."""
        group = add_metadata_group(init_zarr(str(tmp_path / "data.zarr"))["sample"], SAMPLE)
        add_data(group, [1], "there")
        with pytest.raises((InvalidElementError, ElementExistsError)):
            add_data(group, data, name)
        assert [name for name, _ in group.members()] == ["there"]

    def test_what_is_no_group_is_refused_in_words(self):
        """Whoever gives the name of a group, or an array, in its place is told so."""
        for verb in (
            list_zarr_items,
            lambda group: add_data(group, [1]),
            lambda group: add_metadata_group(group, SAMPLE),
        ):
            with pytest.raises(InvalidInputError, match="by a group of zarr, not by a str"):
                verb("sample")

    @pytest.mark.parametrize("kind", ["local", "swift"])
    def test_what_is_added_to_an_object_belongs_to_it(self, make_storage, kind):
        """Elements and arrays are in the root document, beside what edits have left there, and edits go on."""
        storage = make_storage(kind)
        modo = MODO.create("ex", storage)
        modo.add_element({"@type": "Sample", "id": "before"})
        group = add_metadata_group(modo.zarr["sample"], SAMPLE)
        add_data(group, np.eye(2), "counts")
        modo.add_element({"@type": "Sample", "id": "after"})
        opened = MODO("ex", storage)
        assert opened.metadata == modo.metadata
        assert opened.list_samples() == ["sample/after", "sample/before", "sample/sample1"]
        assert np.array_equal(opened.read_array("sample1", "counts"), np.eye(2))
        assert np.array_equal(opened.zarr["sample/sample1/counts"], np.eye(2))
        assert opened.check().is_clean
        assert [str(change.difference) for change in opened.log(2)] == [
            "+ sample/after (Sample)",
            "+ sample/before (Sample)",
        ]

    def test_add_data_keeps_shape_and_type(self, tmp_path):
        """Anything numpy takes is stored as an array of the same shape, type and values."""
        group = init_zarr(str(tmp_path / "data.zarr"))
        for name, data in {"a": np.eye(3, dtype="float32"), "b": [[1, 2], [3, 4]], "c": np.array(5)}.items():
            stored = add_data(group, data, name)
            assert stored.shape == np.shape(data)
            assert stored.dtype == np.asarray(data).dtype
            assert np.array_equal(group[name][...], data)

    def test_add_data_keeps_a_checksum_of_each_chunk(self, tmp_path):
        """A bit that changes where it is stored is an error for whoever reads it, and not another value."""
        group = init_zarr(str(tmp_path / "data.zarr"))
        stored = add_data(group, np.frombuffer(b"ACGT-TGCA", dtype="u1"), "bases")
        (chunk,) = (path for path in (tmp_path / "data.zarr" / "bases" / "c").rglob("*") if path.is_file())
        body = chunk.read_bytes()
        assert b"ACGT-TGCA" in body  # so that no compression finds it
        chunk.write_bytes(body.replace(b"-", b"N"))
        with pytest.raises(RuntimeError):
            stored[...]

    def test_list_zarr_items_lists_parents_first(self, tmp_path):
        """Groups and arrays at every depth come once, parents before what they hold."""
        group = init_zarr(str(tmp_path / "data.zarr"))
        add_data(add_metadata_group(group["sample"], SAMPLE), [1, 2])
        paths = [item.path for item in list_zarr_items(group)]
        assert paths == [
            "assay",
            "data",
            "reference",
            "sample",
            "sample/sample1",
            "sample/sample1/data",
            "sequence",
        ]


GOOD = {"zarr_format": 3, "node_type": "group", "attributes": {}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "zarr format None"),
        (json.dumps({**GOOD, "zarr_format": 2}).encode(), "zarr format 2"),
        (json.dumps({**GOOD, "node_type": "grup"}).encode(), "'grup'"),
        (json.dumps({**GOOD, "node_type": ["group"]}).encode(), "node type"),
        (json.dumps({**GOOD, "node_type": "array"}).encode(), "an array, not a group"),
        (json.dumps({**GOOD, "attributes": []}).encode(), "attributes that are not a mapping"),
        (json.dumps({**GOOD, "attributes": None}).encode(), "attributes that are not a mapping"),
        (json.dumps({**GOOD, "consolidated_metadata": []}).encode(), "consolidated metadata"),
        (json.dumps({**GOOD, "consolidated_metadata": {"metadata": []}}).encode(), "consolidated metadata"),
        (json.dumps({**GOOD, "consolidated_metadata": {"metadata": {"a": 1}}}).encode(), "consolidated metadata"),
    ],
)
def test_a_damaged_root_is_named_as_such(body, reason):
    """Whatever a root document holds in place of a group: DamagedObjectError, with the address and what is wrong."""
    with pytest.raises(DamagedObjectError, match=reason) as caught:
        ZarrRoot.parse(body, "s3://omics/ex")
    assert caught.value.url == "s3://omics/ex"


@pytest.mark.parametrize(
    ("number", "is_proper"),
    [
        ("1e999", False),
        ("-1e999", False),
        ("1" * 400 + ".5", False),
        ("NaN", False),
        ("-Infinity", False),
        ('"\\ud800"', False),
        ('"\\\\ud8"', False),
        ('"NaN"', True),
        ('"e999"', True),
        ("1e99", True),
        ("1" * 400, True),
    ],
)
def test_a_root_that_is_no_json_is_known(number, is_proper):
    """Numbers that Python reads and cannot write as JSON; text that looks like them is text, halves of characters in doubt."""
    member = json.dumps(group_member({"@type": "Sample", "x": 0})).replace('"x": 0', f'"x": {number}')
    body = json.dumps({**GOOD, "consolidated_metadata": {"metadata": {}}}).replace(
        '"metadata": {}', f'"metadata": {{"a": {member}}}'
    )
    root = ZarrRoot.parse(body.encode(), "ex")
    assert root.is_proper == is_proper
    assert ZarrRoot.parse(body.encode(), "ex") == root
    if is_proper:
        assert ZarrRoot.parse(root.dump(), "ex") == root


PATHS = st.lists(st.text('ab"\\\n:{, é🧬', min_size=1, max_size=3), min_size=1, max_size=3).map("/".join)
MEMBERS = st.dictionaries(PATHS, st.dictionaries(st.just("@type"), st.text('S"}\n,é', max_size=3)).map(group_member))


@settings(deadline=None)
@given(before=MEMBERS, changes=st.lists(st.dictionaries(PATHS, st.none() | st.just(group_member(SAMPLE))), max_size=3))
def test_a_root_that_is_edited_is_as_one_that_is_written(before, changes):
    """Whatever members are set and taken out, by the text of the document: byte for byte as if all had been encoded."""
    members, text = dict(before), ZarrRoot(ROOT, before).text()
    for number, changed in enumerate(changes):
        text = text.edited({**ROOT, "number": number}, {"floor": ""}, changed)
        members = {path: member for path, member in {**members, **changed}.items() if member is not None}
        assert text == ZarrRoot({**ROOT, "number": number}, members, log={"floor": ""}).text()


@pytest.mark.parametrize("consolidated", [True, False])
def test_a_damaged_member_is_named_as_such(tmp_path, consolidated):
    """A member that is no zarr document damages the object, wherever it is written."""
    storage = LocalStorage(tmp_path)
    members = {"sample": {"node_type": "group", "zarr_format": 3, "attributes": [1]}}
    if consolidated:
        storage.put(json.dumps({**GOOD, "consolidated_metadata": {"metadata": members}}).encode(), ROOT_DOCUMENT)
    else:
        storage.put(group_document({}), ROOT_DOCUMENT)
        storage.put(json.dumps(members["sample"]).encode(), document_path("sample"))
    with pytest.raises(DamagedObjectError, match="attributes"):
        read_root(storage)


def test_a_document_of_an_array_is_a_document():
    """An array's document is read as it is."""
    document = {**GOOD, "node_type": "array", "shape": [2]}
    assert parse_document(json.dumps(document).encode(), "x") == document


def test_values_that_json_has_not_are_refused():
    """NaN and infinity are no JSON, and never written."""
    with pytest.raises(ValueError, match="JSON"):
        group_document({"value": float("nan")})


class TestStorageStore:
    """The zarr store over any storage; what arrays and groups need of it is in the conformance suite."""

    PROTOTYPE = default_buffer_prototype()

    def _read(self, store, key, byte_range=None):
        value = asyncio.run(store.get(key, self.PROTOTYPE, byte_range))
        return None if value is None else value.to_bytes()

    def test_a_gap_in_an_array_that_says_it_is_complete_is_an_error(self, place):
        """Of any other array a missing chunk holds fill values, as in zarr."""
        array = zarr.create_array(StorageStore(place), name="sample/s/counts", data=np.arange(1, 5), chunks=(2,))
        place.remove("sample/s/counts/c/1")
        assert [array[:].tolist(), array[2:].tolist()] == [[1, 2, 0, 0], [0, 0]]
        document = json.loads(place.read("sample/s/counts/zarr.json"))
        place.put(json.dumps({**document, "modos": dict(COMPLETE)}).encode(), "sample/s/counts/zarr.json")
        array = zarr.open_array(StorageStore(place), path="sample/s/counts")
        assert array[:2].tolist() == [1, 2]
        with pytest.raises(IntegrityError, match="counts/c/1: is missing, though it was stored"):
            array[:]

    def test_who_has_opened_an_array_that_is_replaced_is_told(self, tmp_path):
        """What zarr has opened of an object reads no zeros for chunks that are gone since."""
        modo = MODO.create("ex", LocalStorage(tmp_path))
        modo.add_element(SAMPLE)
        modo.add_array("sample1", np.ones((4, 4)), "counts", chunks=(2, 2), shards=(2, 2))
        array = modo.zarr["sample/sample1/counts"]
        modo.add_array("sample1", np.full(3, 7.0), "counts", overwrite=True)
        with pytest.raises(IntegrityError, match="has been replaced since"):
            array[:]

    @pytest.mark.parametrize(
        ("byte_range", "expected"),
        [
            (None, b"0123456789"),
            (RangeByteRequest(2, 5), b"234"),
            (RangeByteRequest(8, 99), b"89"),
            (OffsetByteRequest(7), b"789"),
            (OffsetByteRequest(99), b""),
            (SuffixByteRequest(3), b"789"),
            (SuffixByteRequest(99), b"0123456789"),
            (SuffixByteRequest(0), b""),
        ],
    )
    def test_ranges(self, place, byte_range, expected):
        """Each of zarr's ranges gives the bytes that zarr means; a missing key gives nothing."""
        place.put(b"0123456789", "c/0/0")
        store = StorageStore(place)
        assert self._read(store, "c/0/0", byte_range) == expected
        assert self._read(store, "c/0/1", byte_range) is None
        partial = asyncio.run(store.get_partial_values(self.PROTOTYPE, [("c/0/0", byte_range), ("missing", None)]))
        assert [None if value is None else value.to_bytes() for value in partial] == [expected, None]

    def test_listing_and_removing(self, place):
        """Keys are listed whole, beneath a directory and by level; directories and all are removed without neighbours."""
        store = StorageStore(place)

        async def story():
            for key in ("zarr.json", "a/zarr.json", "a/c/0", "ab/zarr.json"):
                await store.set(key, cpu.Buffer.from_bytes(key.encode()))
            await store.set_if_not_exists("zarr.json", cpu.Buffer.from_bytes(b"other"))
            assert sorted([key async for key in store.list()]) == ["a/c/0", "a/zarr.json", "ab/zarr.json", "zarr.json"]
            assert sorted([key async for key in store.list_prefix("a/")]) == ["a/c/0", "a/zarr.json"]
            assert sorted([key async for key in store.list_dir("a")]) == ["c", "zarr.json"]
            assert sorted([key async for key in store.list_dir("")]) == ["a", "ab", "zarr.json"]
            assert await store.getsize("a/c/0") == len("a/c/0")
            await store.delete_dir("a")
            await store.delete("missing")
            assert sorted([key async for key in store.list()]) == ["ab/zarr.json", "zarr.json"]
            await store.clear()
            assert not await store.exists("zarr.json")

        place.put(b"kept", "zarr.json")
        asyncio.run(story())
        assert place.empty()

    def test_a_store_for_reading_writes_nothing(self, place):
        """Every write is refused by zarr's own error."""
        store = StorageStore(place, read_only=True)
        for write in (
            lambda: store.set("a", cpu.Buffer.from_bytes(b"x")),
            lambda: store.set_if_not_exists("a", cpu.Buffer.from_bytes(b"x")),
            lambda: store.delete("a"),
            lambda: store.delete_dir("a"),
            store.clear,
        ):
            with pytest.raises(ValueError, match="read-only"):
                asyncio.run(write())
        assert place.empty()

    def test_a_store_pickles_and_compares(self, place):
        """Stores over equal storages are equal, and one travels with its arrays."""
        store = StorageStore(place)
        assert pickle.loads(pickle.dumps(store)) == store == StorageStore(place)
        assert store != store.with_read_only(read_only=True)
        assert place.url in repr(store)


class TestText:
    """The root document as text."""

    @given(
        st.lists(
            st.dictionaries(st.from_regex(r"[a-cäÄ\"]{1,2}(/[a-c]{1,2})?", fullmatch=True), st.none() | st.text())
        ),
        st.integers(1, 2_000),
    )
    def test_edits_of_blocks_of_lines_come_to_the_whole_text(self, edits, longest):
        """Of any length: lines come, change and go, and no block is empty; it is known when it is read, and nothing else is."""
        text, members = RootText(), {}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("modos.storage.hierarchy.root._LONGEST", longest)
            for edit in edits:
                changes = {path: None if name is None else group_member({"name": name}) for path, name in edit.items()}
                text = text.edited(ROOT, None, changes)
                members = {path: member for path, member in {**members, **changes}.items() if member is not None}
                assert all(text.blocks)
        body = ZarrRoot(ROOT, members).dump()
        text = text.edited(ROOT, None, {})
        assert text.body == body
        assert text.is_body(body)
        assert not any(map(text.is_body, (body[:-1], b" " + body, body + b"\n", body.replace(b"ex", b"ey"))))
