"""Objects as one file: packed anywhere, opened where they are, unpacked anywhere."""

import io
import os
import tracemalloc
import zipfile

import pytest

from modos import MODO, LocalStorage, open_storage, pack, unpack
from modos.errors import (
    IntegrityError,
    InvalidInputError,
    InvalidPathError,
    KeyExistsError,
    ObjectExistsError,
    ObjectNotFoundError,
    ReadOnlyError,
    URLPipelineError,
)
from modos.storage import ROOT_DOCUMENT
from modos.storage.hierarchy.documents import group_member
from modos.storage.hierarchy.root import ZarrRoot
from modos.storage.pipelines import ArchiveStorage
from modos.storage.pipelines.places import StorageBlob
from modos.testing import Fault, Proxy


@pytest.fixture
def place(make_storage):
    """Most of this is the same wherever the object is."""
    return make_storage("local")


@pytest.fixture(params=["local", "s3", "swift"])
def anywhere(request, make_storage):
    """An empty storage of every kind in turn."""
    return make_storage(request.param)


@pytest.fixture
def filled(modo, data, entity):
    """An object with files and an array."""
    modo.add_element(entity("reads"), data / "demo1.cram")
    modo.add_element(entity("counts"), data / "counts.zarr")
    modo.add_array("reads", list(range(1000)), "depth")
    return modo


def archive_of(storage, name):
    """Open an archive in a storage."""
    return ArchiveStorage(StorageBlob(storage, name, f"file:{name}"))


@pytest.fixture
def packed(filled, tmp_path):
    """The object as a file of this machine."""
    pack(filled.storage, tmp_path / "ex.zip")
    return tmp_path / "ex.zip"


def test_a_packed_object_reads_as_the_object(filled, packed):
    """Metadata, files, arrays and the checksum are the same; nothing was unpacked for it."""
    opened = MODO(f"file:{packed}|zip:")
    assert opened.metadata == filled.metadata
    assert opened.list_files() == filled.list_files()
    assert opened.list_arrays() == filled.list_arrays()
    assert opened.checksum() == filled.checksum()
    assert opened.zarr["data/reads/depth"][500:503].tolist() == [500, 501, 502]
    assert opened.storage.read("demo1.cram", 3, 7) == filled.storage.read("demo1.cram", 3, 7)


def test_an_archive_is_one_for_everybody(filled, packed):
    """Python reads it; files are stored as they are, the root document is last, and equal objects make equal archives."""
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert sorted(names) == sorted(str(path) for path in filled.storage.list())
    assert names[-1] == ROOT_DOCUMENT
    pack(filled.storage, packed.with_name("again.zip"))
    assert packed.with_name("again.zip").read_bytes() == packed.read_bytes()


def test_a_packed_object_is_read_only(packed):
    """Every edit raises ReadOnlyError, and the archive stays as it is."""
    before = packed.read_bytes()
    opened = MODO(f"file:{packed}|zip:")
    with pytest.raises(ReadOnlyError):
        opened.add_element({"@type": "Sample", "id": "new"})
    with pytest.raises(ReadOnlyError):
        opened.remove_object()
    assert packed.read_bytes() == before


def test_there_and_back(filled, packed, anywhere):
    """An object that was packed and unpacked is the same; the report has the digest of every file."""
    report = unpack(packed, anywhere / "back")
    assert MODO("back", anywhere).checksum() == filled.checksum()
    pack(anywhere / "back", packed.with_name("again.zip"))
    assert packed.with_name("again.zip").read_bytes() == packed.read_bytes()
    assert report.files == len(list(filled.storage.list()))
    assert set(report.digests) == {str(path) for path in filled.storage.list()}


@pytest.mark.parametrize("name", ["back\\slash.fastq", "a:b*c?.fastq", "donör 1.fastq", "tab\tand\nline.fastq"])
def test_files_come_back_under_their_names(name, modo, entity, tmp_path):
    """A name that another system could not have is no other name in an archive."""
    (tmp_path / name).write_text("@r\nA\n+\nI\n")
    modo.add_element({**entity("reads"), "data_format": "FASTQ", "data_path": name}, tmp_path / name)
    pack(modo.storage, tmp_path / "ex.zip")
    unpack(tmp_path / "ex.zip", tmp_path / "back")
    assert [str(path) for path in MODO(f"file:{tmp_path}/ex.zip|zip:").list_files()] == [name]
    assert (tmp_path / "back" / name).read_text() == "@r\nA\n+\nI\n"
    assert MODO(tmp_path / "back").checksum() == modo.checksum()


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_archives_live_in_services(make_storage, kind, tmp_path, monkeypatch, account):
    """An archive is written to S3 and Swift, read there by address, and unpacked from there."""
    modo = MODO.create("ex", make_storage("local"))
    there = make_storage(kind)
    if kind == "s3":
        options = {"endpoint": account.server.s3_endpoint, "key": account.server.user, "secret": account.server.key}
        options["region"] = "us-east-1"
    else:
        options = {"storage_url": account.server.storage_url, "token": account.token}
    address = f"{there.url}/a b.zip"
    pack(modo.storage, address, archive_options=options)
    assert MODO(f"{address}|zip:", **options).metadata == modo.metadata
    unpack(address, tmp_path / "one", archive_options=options)
    unpack(f"{address}|zip:", tmp_path / "two", archive_options=options)
    assert MODO(tmp_path / "one").checksum() == MODO(tmp_path / "two").checksum() == modo.checksum()
    assert MODO(open_storage(address.replace(" ", "%20") + "|zip:", storage_options=options).url, **options).id == "ex"


def test_an_object_may_be_a_directory_of_an_archive(filled, tmp_path, place):
    """An archive that somebody else made of the directory `study/ex`, compressed, opens and unpacks as well."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in filled.storage.list():
            archive.writestr(f"study/ex/{path}", filled.storage.read(path))
    (tmp_path / "study").write_bytes(buffer.getvalue())
    assert MODO(f"file:{tmp_path}/study|zip:study/ex").checksum() == filled.checksum()
    unpack(f"file:{tmp_path}/study|zip:study/ex", place / "back")
    assert MODO("back", place).checksum() == filled.checksum()
    with pytest.raises(ObjectNotFoundError):
        MODO(f"file:{tmp_path}/study|zip:")


def test_a_file_that_is_there_is_not_replaced_unasked(filled, packed):
    """Packing onto a file is refused, and replaces it when asked."""
    before = packed.read_bytes()
    filled.add_element({"@type": "Sample", "id": "new"})
    with pytest.raises(KeyExistsError):
        pack(filled.storage, packed)
    assert packed.read_bytes() == before
    pack(filled.storage, packed, overwrite=True)
    assert MODO(f"file:{packed}|zip:").list_samples() == filled.list_samples()


def test_another_object_is_not_replaced_unasked(packed, place):
    """Unpacking onto another object is refused, and replaces it when asked."""
    MODO.create("other", place, id="other")
    with pytest.raises(ObjectExistsError):
        unpack(packed, place / "other")
    unpack(packed, place / "other", overwrite=True)
    assert MODO("other", place).id == "ex"


def test_what_is_no_object_is_not_packed(place, tmp_path):
    """No archive appears, nor when it would be in the object itself, nor under no name."""
    with pytest.raises(ObjectNotFoundError):
        pack(place / "missing", tmp_path / "ex.zip")
    MODO.create(tmp_path / "ex")
    with pytest.raises(InvalidPathError, match="inside the object"):
        pack(tmp_path / "ex", tmp_path / "ex" / "in.zip")
    remote = MODO.create("memory://packing/ex")
    with pytest.raises(InvalidPathError, match="inside the object"):
        pack(remote.storage, "memory://packing/ex/in.zip")
    remote.remove_object()
    for name in (f"{tmp_path}/ex.zip/", "s3://bucket"):
        with pytest.raises(InvalidPathError, match="no file's name"):
            pack(tmp_path / "ex", name)
    assert [path.name for path in tmp_path.iterdir()] == ["ex"]


def test_what_is_no_archive_is_not_unpacked(tmp_path):
    """Nothing appears at the target."""
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(URLPipelineError, match="not one"):
        unpack(tmp_path / "text", tmp_path / "ex")
    with pytest.raises(FileNotFoundError):
        unpack(tmp_path / "missing.zip", tmp_path / "ex")
    with pytest.raises(InvalidPathError, match="is a directory"):
        unpack(tmp_path, tmp_path / "ex")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_a_damaged_archive_becomes_no_object(packed, place):
    """A flipped byte in a large file is found before the root document is written."""
    body = bytearray(packed.read_bytes())
    body[body.index(b"content of demo1.cram") + 3] ^= 1
    packed.write_bytes(body)
    with pytest.raises(IntegrityError, match="bad CRC"):
        unpack(packed, place / "back")
    with pytest.raises(ObjectNotFoundError):
        MODO("back", place)


def test_an_object_that_is_edited_meanwhile_is_not_packed(filled, tmp_path, monkeypatch):
    """No archive appears that is half of one edit and half of the next."""

    def edit(progress):
        if progress.files_done == 1:
            filled.storage.put(filled.storage.read(ROOT_DOCUMENT) + b"\n", ROOT_DOCUMENT)

    with pytest.raises(IntegrityError):
        pack(filled.storage, tmp_path / "ex.zip", progress=edit)
    assert not (tmp_path / "ex.zip").exists()
    assert not list(tmp_path.glob(".*.partial"))


@pytest.mark.thorough
def test_packing_needs_little_memory(tmp_path):
    """A file of 240 MB goes through in pieces, both ways; what is under way takes 96 MiB together."""
    modo = MODO.create(tmp_path / "ex")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(240_000_000)
    modo.add_element({"@type": "DataEntity", "id": "large", "data_format": "CRAM"}, tmp_path / "large")
    tracemalloc.start()
    pack(modo.storage, tmp_path / "ex.zip")
    unpack(tmp_path / "ex.zip", tmp_path / "back")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "back" / "large").stat().st_size == 240_000_000
    assert peak < 170_000_000


@pytest.mark.parametrize("kind", ["s3", "swift"])
def test_opening_an_object_of_1000_entries_is_at_most_6_requests(account, container, kind, tmp_path):
    """Through a proxy that delays each request by 10 ms: the size, the end of the archive, and the root document."""
    place = LocalStorage(tmp_path / "ex")
    attributes = {"@type": "MODO", "id": "ex", "creation_date": "2024-01-17", "last_update_date": "2024-01-17"}
    samples = {f"sample/s{number}": group_member({"@type": "Sample", "name": f"S {number}"}) for number in range(1000)}
    for path, document in samples.items():
        place.put(str(document).encode(), f"data.zarr/{path}/zarr.json")
    place.put(ZarrRoot(attributes, samples).dump(), ROOT_DOCUMENT)
    place.put(os.urandom(3_000_000), "reads.cram")
    pack(place, tmp_path / "ex.zip")
    account.put(container, "ex.zip", (tmp_path / "ex.zip").read_bytes())
    with Proxy(account.server.url) as proxy:
        if kind == "s3":
            storage = account.s3(container, endpoint=proxy.through(account.server.s3_endpoint))
        else:
            storage = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        proxy.inject(Fault(delay=0.01, times=None))
        modo = MODO("", archive_of(storage, "ex.zip"))
        assert len(modo.metadata) == 1001
        assert len(proxy.requests) <= 6
        opened = len(proxy.requests)
        assert len(modo.storage.read("reads.cram", 1_000_000, 1_000_100)) == 100
        assert len(proxy.requests) <= opened + 2
    assert opened <= 4


def test_a_forgotten_adapter_is_suggested(packed):
    """Whoever opens the archive itself is told what was probably meant."""
    for address in (packed, str(packed), f"file:{packed}"):
        with pytest.raises(ObjectNotFoundError, match=r"did you forget '\|zip:'"):
            MODO(address)


def test_a_file_is_added_out_of_an_archive(packed, entity, place):
    """What stands in an archive is a source like any other, its index files included; what does not is told."""
    other = MODO.create("other", place)
    other.add_element(entity("copied"), f"file:{packed}|zip:demo1.cram")
    assert [str(path) for path in other.list_files()] == ["demo1.cram", "demo1.cram.crai"]
    with pytest.raises(InvalidInputError, match="there is no file"):
        other.add_element(entity("missing"), f"file:{packed}|zip:missing.cram")
