"""An object's files are encrypted, read, given to others and decrypted, wherever the object is."""

import hashlib
import re
from pathlib import Path

import pytest

from modos import MODO, transfer
from modos.encryption import decrypt, encrypt, format_secret_key, generate_key
from modos.errors import (
    ConflictError,
    FileConflictError,
    IntegrityError,
    InvalidInputError,
    InvalidKeyError,
    KeyNotFoundError,
    NotEncryptedError,
    ServiceError,
    TamperedError,
    TruncatedError,
    WrongKeyError,
)
from modos.storage import LocalStorage
from modos.testing import Fault, Proxy, write_samples


@pytest.fixture(scope="module")
def ada():
    return generate_key()


@pytest.fixture(scope="module")
def bob():
    return generate_key()


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture
def study(samples, place):
    """The samples as an object, on every storage in turn."""
    return MODO.from_file(samples.description, "study", place)


def stored(modo):
    """Return the files beside the metadata, name to content."""
    return {str(path): modo.storage.read(path) for path in modo.list_files()}


def undated(modo):
    said = modo.metadata
    said[modo.id].pop("last_update_date")
    return said


def region(modo, name="donor2.bam"):
    return [read.to_string() for read in modo.stream_genomics(name, "chr21:1,000-2,000")]


def test_all_files_of_an_object_are_encrypted_and_come_back(study, ada):
    """With their index files, in one edit; nothing plain is left, checksums hold, and all is as it was in the end."""
    before, said = stored(study), undated(study)
    encrypted = study.encrypt(ada.public)
    assert sorted(map(str, encrypted)) == sorted(each for each in said if "data_path" in said[each])
    files = stored(study)
    assert set(files) == {f"{name}.c4gh" for name in before}
    assert all(content.startswith(b"crypt4gh") for content in files.values())
    assert {name: b"".join(decrypt([files[f"{name}.c4gh"]], [ada])) for name in before} == before
    for element in map(str, encrypted):
        now = study.metadata[element]
        assert now["data_path"] == f"{said[element]['data_path']}.c4gh"
        assert now.get("data_format") == said[element].get("data_format")
        if "data_checksum" in now:
            assert now["data_checksum"] == hashlib.blake2b(files[now["data_path"]]).hexdigest()
    assert study.verify(deep=True).is_sound
    assert study.verify(deep=True).extra == ()
    assert study.check_files() == []
    assert study.encrypt(ada.public) == []
    assert study.decrypt(ada) == encrypted
    assert (stored(study), undated(study)) == (before, said)


def test_encrypted_files_are_read_where_they_are(study, samples, ada, monkeypatch, tmp_path):
    """Records, tables, sequences and bytes are those of the plain files, by element, plain and stored name."""
    expected = region(study), region(study, "donor1.cram"), study.read_region("calls.vcf.gz", "chr21:1-2000")
    sequence = study.fetch_sequence("reference.fa", "chr21:11-75")
    counts = study.read_table("counts.tsv")
    study.encrypt([ada.public])
    with pytest.raises(WrongKeyError, match=r"donor2\.bam\.c4gh: is encrypted, and no secret key is at hand"):
        region(study)
    assert study.unlock(ada) is study
    assert (region(study), region(study, "donor1.cram"), study.read_region("calls.vcf.gz", "chr21:1-2000")) == expected
    assert region(study, "donor2.bam.c4gh") == expected[0] != []
    assert study.fetch_sequence("reference.fa", "chr21:11-75") == sequence
    assert study.read_table("counts.tsv").equals(counts)
    (tmp_path / "ada").write_text(format_secret_key(ada), encoding="ascii")
    monkeypatch.setenv("C4GH_SECRET_KEY", str(tmp_path / "ada"))
    again = MODO("", study.storage)
    with again.open("donor2.bam") as file:
        file.seek(100)
        assert file.read(50) == samples.bam.read_bytes()[100:150]
        assert file.seek(0, 2) == samples.bam.stat().st_size
    monkeypatch.delenv("C4GH_SECRET_KEY")
    monkeypatch.setenv("MODOS_C4GH_KEY_COMMAND", f"cat {tmp_path / 'ada'}")
    assert region(MODO("", study.storage)) == expected[0]


@pytest.fixture
def local(samples, tmp_path):
    """The samples as an object on this machine."""
    return MODO.from_file(samples.description, tmp_path / "study")


def test_some_files_are_encrypted(local, ada, bob):
    """Those of the elements that are named; the others are read as before, and a later call does the rest."""
    (bam,) = (str(each) for each in local.encrypt([ada.public, bob.public], ["donor2_reads"], secret_key=ada))
    assert local.metadata[bam]["data_path"] == "donor2.bam.c4gh"
    assert {name for name in stored(local) if name.endswith(".c4gh")} == {"donor2.bam.c4gh", "donor2.bam.bai.c4gh"}
    assert local.read_region("calls.bcf", "chr21:1-2000").num_rows
    assert region(local.unlock(bob, sender=ada.public))
    with pytest.raises(WrongKeyError, match="sealed by"):
        region(local.unlock(bob, sender=bob.public))
    assert bam not in [str(each) for each in local.encrypt(ada.public)]
    assert {packet.reader for packet in local.recipients("donor2_reads", secret_key=bob)} == {bob.public, None}
    found = local.recipients("donor2.bam", among=[bob.public], secret_key=ada)
    assert {(packet.reader, packet.writer) for packet in found} == {(ada.public, ada.public), (bob.public, ada.public)}


def test_an_index_is_not_made_of_an_encrypted_file_and_pysam_does_not_get_one(local, ada):
    """Each would need something plain outside; the sentence says what to do."""
    local.encrypt(ada.public, "donor2_reads")
    with pytest.raises(InvalidInputError, match="decrypt it, make the index"):
        local.index_file("donor2_reads")
    with pytest.raises(InvalidInputError, match="use stream_genomics"):
        local.open_genomics("donor2.bam")


def test_a_renamed_file_takes_its_index_along(local, ada):
    """Also when both are encrypted."""
    expected = region(local)
    local.encrypt(ada.public, ["donor2_reads"])
    local.update_element("donor2_reads", {"data_path": "b/reads.bam.c4gh"})
    assert region(local.unlock(ada), "b/reads.bam") == expected
    assert {"b/reads.bam.c4gh", "b/reads.bam.bai.c4gh"} < set(stored(local))
    assert "donor2.bam.bai.c4gh" not in stored(local)
    local.remove_element("donor2_reads")
    assert not [name for name in stored(local) if "bam" in name and not name.startswith(".")]


def test_an_encrypted_file_is_added_with_its_index(local, samples, ada, tmp_path):
    """As it came from somebody else."""
    for name in (samples.bam, samples.bam_index):
        (tmp_path / f"{name.name}.c4gh").write_bytes(b"".join(encrypt([name.read_bytes()], [ada.public])))
    element = {"@type": "DataEntity", "id": "given", "data_format": "BAM", "data_path": "given.bam.c4gh"}
    local.add_element(element, tmp_path / "donor2.bam.c4gh")
    assert "given.bam.bai.c4gh" in stored(local)
    assert region(local.unlock(ada), "given") == region(local)
    assert local.check_files("given") == []
    local.storage.put(b"BAM\1", "given.bam.c4gh")
    assert local.check_files("given") == [
        "given.bam.c4gh is called as an encrypted file is, and its content is none of crypt4gh"
    ]


# -- what goes wrong ------------------------------------------------------------------------------------------------


def untouched(modo, work, error, match):
    """Assert that something is refused, and that the object is as it was."""
    before, said = stored(modo), modo.metadata
    with pytest.raises(error, match=match):
        work()
    assert (stored(modo), MODO("", modo.storage).metadata) == (before, said)


def test_what_cannot_be_encrypted_is_refused_before_anything_is_done(local, ada, tmp_path):
    """A directory, an element without a file, a name that is taken, a file that is not what is recorded."""
    (tmp_path / "counts.zarr").mkdir()
    (tmp_path / "counts.zarr/zarr.json").write_text("{}")
    untouched(local, lambda: local.encrypt([]), InvalidInputError, "at least one public key")
    untouched(local, lambda: local.encrypt(ada), InvalidKeyError, "of the right kind.* this is a SecretKey")
    untouched(local, lambda: local.unlock(ada.public), InvalidKeyError, "of the right kind.* this is a PublicKey")
    sample = next(each for each in local.metadata if each.startswith("sample/"))
    untouched(local, lambda: local.encrypt(ada.public, [sample]), InvalidInputError, f"{sample} has no file")
    local.storage.put(b"somebody else's", "donor2.bam.c4gh")
    untouched(local, lambda: local.encrypt(ada.public), FileConflictError, r"donor2\.bam\.c4gh")
    local.storage.remove("donor2.bam.c4gh")
    local.add_element({"@type": "DataEntity", "id": "grid", "data_format": "Zarr"}, tmp_path / "counts.zarr")
    untouched(local, lambda: local.encrypt(ada.public), InvalidInputError, "is a directory")
    local.remove_element("grid")
    local.storage.put(local.storage.read("donor2.bam") + b"\0", "donor2.bam")
    untouched(
        local, lambda: local.encrypt(ada.public), IntegrityError, r"donor2\.bam: is not what its data_checksum says"
    )
    local.storage.put(b"".join(encrypt([b"x"], [ada.public])), "donor2.bam")
    untouched(local, lambda: local.encrypt(ada.public), InvalidInputError, "is encrypted already")


def test_a_plain_file_that_is_called_encrypted_is_not_taken_for_done(local, ada, samples):
    """As one that has replaced the file of an encrypted element; under its own name it can be encrypted."""
    local.encrypt(ada.public)
    local.update_element("donor2_reads", {}, samples.description)
    told = r"donor2\.bam\.c4gh is only called as .* data_path 'donor2\.bam'"
    untouched(local, lambda: local.encrypt(ada.public), InvalidInputError, told)
    untouched(local, lambda: local.encrypt(ada.public, ["donor2_reads"]), InvalidInputError, told)
    local.update_element("donor2_reads", {"data_path": "donor2.bam"})
    local.encrypt(ada.public)
    assert local.unlock(ada).open("donor2_reads").read() == samples.description.read_bytes()


def damage(kind, content):
    """Return an encrypted file that somebody has changed; the first segment begins at 124."""
    first, second = content[124 : 124 + 65_564], content[124 + 65_564 : 124 + 2 * 65_564]
    return {
        "flipped": lambda: content[:70_000] + bytes([content[70_000] ^ 1]) + content[70_001:],
        "swapped": lambda: content[:124] + second + first + content[124 + 2 * 65_564 :],
        "cut": lambda: content[: 124 + 65_564 + 9_000],
        "cut between segments": lambda: content[: 124 + 65_564],
        "plain": lambda: b"BAM\1" + bytes(200_000),
    }[kind]()


def test_check_finds_a_plain_file_that_is_called_encrypted(local, ada, samples):
    """An update that puts a plain file in the place of an encrypted one has left something readable under a secret name."""
    local.encrypt(ada.public, ["donor2_reads"])
    assert local.check().findings == ()
    local.update_element("donor2_reads", {}, samples.description)
    assert ("content", "donor2.bam.c4gh") in [(each.code, each.place) for each in local.check().findings]


def test_what_has_no_checksum_is_not_undone_into_nothing(local, ada):
    """A reference has none: what took its place stays, and so does what is said, when the plain file is gone for good."""
    local.encrypt(ada.public, ["genome"])
    untouched(local, local.undo, KeyNotFoundError, r"reference\.fa: it is not kept any more")
    local.decrypt(ada, ["genome"])
    untouched(local, local.undo, KeyNotFoundError, r"reference\.fa\.c4gh: it is not kept any more")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("flipped", TamperedError),
        ("swapped", TamperedError),
        ("cut", TruncatedError),
        ("cut between segments", TruncatedError),
        ("plain", NotEncryptedError),
    ],
)
def test_a_damaged_file_gives_nothing_and_is_not_decrypted(kind, error, ada, tmp_path):
    """Neither whole, nor by decryption; the error names the file, and the object is as it was."""
    modo = MODO.create(tmp_path / "ex")
    content = bytes(range(256)) * 1000
    (tmp_path / "data.tsv").write_bytes(content)
    modo.add_element({"@type": "DataEntity", "id": "data", "data_format": "MTX"}, tmp_path / "data.tsv")
    modo.encrypt(ada.public)
    modo.update_element("data", {"data_checksum": None})
    modo.storage.put(damage(kind, modo.storage.read("data.tsv.c4gh")), "data.tsv.c4gh")
    with pytest.raises(error, match=r"data\.tsv\.c4gh: "), modo.unlock(ada).open("data") as file:
        file.read()
    untouched(modo, lambda: modo.decrypt(ada), error, r"data\.tsv\.c4gh: ")


def test_a_region_of_a_damaged_or_foreign_file_is_an_error(local, ada, bob):
    """Of the file and of its index; a wrong key gives no record."""
    local.encrypt(ada.public, ["donor2_reads"])
    with pytest.raises(WrongKeyError, match=r"donor2\.bam(\.bai)?\.c4gh: the file is not for the keys"):
        local.unlock(bob).read_region("donor2_reads", "chr21:1-2000")
    local.unlock(ada)
    for name in ("donor2.bam.c4gh", "donor2.bam.bai.c4gh"):
        content = local.storage.read(name)
        half = len(content) // 2
        local.storage.put(content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :], name)
        with pytest.raises(TamperedError, match=name.replace(".", r"\.")):
            local.read_region("donor2_reads")
        local.storage.put(content, name)
    assert local.read_region("donor2_reads", "chr21").num_rows


@pytest.mark.thorough
def test_a_failing_service_leaves_the_object_as_it_was(samples, account, container, ada):
    """In the middle of the files, and when the edit is to be made: no plain file has gone, no encrypted one is left."""
    with Proxy(account.server.url) as proxy:
        storage = account.swift(container, storage_url=proxy.through(account.server.storage_url), attempts=1)
        modo = MODO.from_file(samples.description, "study", storage)
        for path in (r"donor2\.bam\.c4gh", r"data\.zarr/zarr\.json"):
            proxy.inject(Fault(method="PUT", path=re.compile(path), status=500))
            untouched(modo, lambda: modo.encrypt(ada.public), ServiceError, "500")
            proxy.heal()
        assert modo.encrypt(ada.public)


def test_what_is_not_stored_as_it_was_sent_does_not_replace_a_file(local, ada, monkeypatch):
    """A disk that turns a bit is noticed, when what was written is read back."""
    put = LocalStorage.put

    def turned(self, source, target, **options):
        info = put(self, source, target, **options)
        if str(target).endswith(".bam.c4gh"):
            path = Path(self.path, str(target))
            content = bytearray(path.read_bytes())
            content[-1] ^= 1
            path.write_bytes(content)
        return info

    monkeypatch.setattr(LocalStorage, "put", turned)
    untouched(local, lambda: local.encrypt(ada.public), IntegrityError, "what is stored is not what was sent")


@pytest.mark.parametrize("moment", ["donor2.bam.bai.c4gh", "data.zarr/data/donor2_reads/zarr.json"])
def test_another_writer_who_replaces_a_file_meanwhile_wins(moment, local, ada, writes, samples):
    """Their file stays, described, and nothing of the encryption is left."""
    elsewhere = MODO(local.path)

    def interfere(number, name):
        if name == moment:
            writes.hook = lambda *_: None
            elsewhere.update_element("donor2_reads", {"name": "new"}, samples.description)

    writes.hook = interfere
    with pytest.raises((IntegrityError, ConflictError, KeyNotFoundError), match=r"donor2"):
        local.encrypt(ada.public, ["donor2_reads"])
    assert local.refresh().metadata["data/donor2_reads"]["name"] == "new"
    assert local.storage.read("donor2.bam") == samples.description.read_bytes()
    assert not [name for name in stored(local) if name.endswith(".c4gh")]
    local.encrypt(ada.public, ["donor2_reads"])
    assert local.unlock(ada).open("donor2_reads").read() == samples.description.read_bytes()


def test_a_plain_file_stays_when_the_encrypted_one_is_overwritten_meanwhile(local, ada, writes):
    """By another who encrypts the same file at the same time, for example: nothing is removed that might be needed."""
    plain = local.storage.read("donor2.bam")

    def interfere(number, name):
        if name == "data.zarr/zarr.json":
            writes.hook = lambda *_: None
            local.storage.put(b"crypt4gh by another", "donor2.bam.c4gh")

    writes.hook = interfere
    with pytest.raises(IntegrityError, match=r"donor2\.bam: was kept: it, or donor2\.bam\.c4gh, was written to"):
        local.encrypt(ada.public, ["donor2_reads"])
    assert local.storage.read("donor2.bam") == plain


# -- given to others ------------------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_files_are_given_to_others(study, ada, bob):
    """Who is added can read them, who is removed cannot, and nothing is decrypted on the way."""
    study.encrypt(ada.public, ["donor2_reads", "genome"], secret_key=ada)
    expected = region(study.unlock(ada))
    done = study.reshare(add=bob.public)
    assert [each.file for each in done][:3] == ["donor2.bam.c4gh", "donor2.bam.bai.c4gh", "reference.fa.c4gh"]
    assert region(study.unlock(bob)) == expected
    assert region(study.unlock(ada)) == expected
    study.reshare(remove=[ada.public])
    assert region(study.unlock(bob)) == expected
    with pytest.raises(WrongKeyError, match="not for the keys"):
        region(study.unlock(ada))
    study.reshare([ada.public], secret_key=bob)
    assert region(study) == expected
    assert study.verify(deep=True).is_sound
    again = MODO("", study.storage)
    assert again.decrypt(ada)
    assert region(again) == expected


def test_what_cannot_be_shared_is_refused(local, ada, bob):
    """Who is not there, who cannot be told, nobody at all, a plain file, the wrong key."""
    local.encrypt([ada.public, bob.public], "donor2_reads")
    local.unlock(ada)
    untouched(local, local.reshare, InvalidInputError, "name who is to read the file")
    untouched(local, lambda: local.reshare(ada.public, add=bob.public), InvalidInputError, "either all")
    untouched(local, lambda: local.reshare(remove=bob.public), InvalidInputError, "do not show which packet is for")
    untouched(local, lambda: local.reshare(ada.public, ["calls.bcf"]), InvalidInputError, "calls_bcf is not encrypted")
    untouched(local, lambda: local.reshare([]), InvalidInputError, "at least one public key")
    stranger = generate_key()
    untouched(
        local, lambda: local.reshare(ada.public, secret_key=stranger), WrongKeyError, r"c4gh: the file is not for"
    )
    local.encrypt(ada.public)
    local.reshare([ada.public], ["donor2_reads"])
    untouched(local, lambda: local.reshare(remove=bob.public), InvalidInputError, "is not among those")


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["swift", "s3"])
def test_a_shared_file_stays_one_of_its_own(kind, account, ada, bob, tmp_path):
    """The body is not sent; copies, later sharings, overwriting and removal neither lose nor leave a byte."""
    content = bytes(range(256)) * (36_000 if kind == "s3" else 12_000)
    (tmp_path / "data.tsv").write_bytes(content)
    with Proxy(account.server.url) as proxy:
        container = account.container()
        address = {"storage_url": proxy.through(account.server.storage_url), "segment_size": 2**20}
        if kind == "s3":
            address = {"endpoint": proxy.url}
        modo = MODO.create("ex", getattr(account, kind)(container, **address))
        modo.add_element({"@type": "DataEntity", "id": "data", "data_format": "MTX"}, tmp_path / "data.tsv")
        modo.encrypt(ada.public)
        modo.unlock(ada)
        for _ in range(2):
            proxy.clear()
            assert [each.by for each in modo.reshare(add=bob.public)] == ["service"]
            sent = sum(request.bytes_sent for request in proxy.requests)
            assert sent < (40_000 if kind == "swift" else 5.5e6)
        assert "data_checksum" not in modo.metadata["data/data"]
        assert modo.open("data").read() == content
        for target in (LocalStorage(tmp_path / "copy"), getattr(account, kind)(account.container(), **address)):
            transfer(modo, target)
            assert MODO("", target).unlock(bob).open("data").read() == content
        modo.storage.copy("data.tsv.c4gh", "copy.c4gh")
        modo.update_element("data", {"name": "plain again"}, tmp_path / "data.tsv")
        sealed = modo.storage.read("copy.c4gh")
        assert b"".join(decrypt([sealed], [bob])) == content
        modo.storage.remove("copy.c4gh")
        modo.remove_object()
        modo.storage.remove_tree()
        if kind == "swift":
            assert account.ask("GET", f"/{container}")[2] == b""
