"""`modos c4gh`: keys made, files encrypted, decrypted and shared, wherever they are."""

import json
import os
import stat
import subprocess
import sys

import pytest

from modos import MODO, open_storage
from modos.cli import main
from modos.encryption import encrypt, format_public_key, format_secret_key, generate_key
from modos.testing import write_samples

PASSPHRASE = "open sesame"


@pytest.fixture
def modos(capsys):
    """Run a command line in this process; returns its exit code, output and what it told."""

    def run(*arguments):
        capsys.readouterr()
        code = main(["c4gh", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def keys(tmp_path, ada, bob):
    """A directory with the keys of two people."""
    for name, key in (("ada", ada), ("bob", bob)):
        (tmp_path / name).write_text(format_secret_key(key), encoding="ascii")
        (tmp_path / f"{name}.pub").write_text(format_public_key(key.public), encoding="ascii")
    return tmp_path


@pytest.fixture(params=["local", "s3", "swift"])
def somewhere(request, tmp_path, account, monkeypatch):
    """The address of an empty place of each kind, and the options that go with it."""
    if request.param == "local":
        return str(tmp_path), ()
    if request.param == "s3":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.server.user)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", account.server.key)
        return f"s3://{account.container()}", ("--endpoint", account.server.s3_endpoint)
    monkeypatch.setenv("OS_STORAGE_URL", account.server.storage_url)
    monkeypatch.setenv("OS_AUTH_TOKEN", account.token)
    return f"swift://{account.container()}", ()


def test_a_file_goes_out_and_comes_back(modos, keys, somewhere, content, bob):
    """From the disk to a place, encrypted; for somebody else, in the place; and back to the disk, decrypted."""
    place, options = somewhere
    (keys / "plain").write_bytes(content)
    there = f"{place}/dir/reads.c4gh"
    code, out, _ = modos("encrypt", keys / "plain", there, "-r", keys / "ada.pub", *options)
    assert (code, out) == (0, f"{there}: 199.6 kB, for 1 key\n")
    code, out, _ = modos("reshare", there, "-k", keys / "ada", "-r", bob.public, *options)
    assert (code, out) == (0, f"{there}: 199.6 kB; written anew\n")
    assert modos("decrypt", there, keys / "again", "--key", keys / "bob", *options)[0] == 0
    assert (keys / "again").read_bytes() == content
    code, out, err = modos("decrypt", there, keys / "third", "--key", keys / "ada", *options)
    assert (code, out) == (1, "")
    assert f"{there}: the file is not for the keys at hand" in err
    assert not (keys / "third").exists()


def test_keygen_makes_a_pair_and_never_overwrites_one(modos, tmp_path, monkeypatch):
    """The secret one is its owner's alone, and locked; the public one is shown."""
    monkeypatch.setenv("C4GH_PASSPHRASE", PASSPHRASE)
    code, out, _ = modos("keygen", tmp_path / "key", "--comment", "Ada's")
    assert code == 0
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    (tmp_path / "plain").write_bytes(b"ACGT")
    assert (
        modos("encrypt", tmp_path / "plain", tmp_path / "file", "-r", out.strip(), "--sender", tmp_path / "key")[0] == 0
    )
    back = modos(
        "decrypt", tmp_path / "file", tmp_path / "back", "-k", tmp_path / "key", "--sender", tmp_path / "key.pub"
    )
    assert back[0] == 0
    assert (tmp_path / "back").read_bytes() == b"ACGT"
    before = (tmp_path / "key").read_bytes()
    code, _, err = modos("keygen", tmp_path / "key")
    assert code == 1
    assert "is there already" in err
    assert (tmp_path / "key").read_bytes() == before
    (tmp_path / "key").unlink()
    assert modos("keygen", "") == (1, "", "modos: '.' is no file's name\n")
    assert modos("keygen", tmp_path / "key")[0] == 1
    assert not (tmp_path / "key").exists()


def test_the_folder_of_a_key_is_made_for_its_owner_alone(modos, tmp_path):
    """Who has no `~/.c4gh` yet has one afterwards; where none can be, nothing is left."""
    assert modos("keygen", tmp_path / ".c4gh" / "ada", "--no-passphrase")[0] == 0
    assert sorted(path.name for path in (tmp_path / ".c4gh").iterdir()) == ["ada", "ada.pub"]
    assert stat.S_IMODE((tmp_path / ".c4gh").stat().st_mode) == 0o700
    code, _, err = modos("keygen", tmp_path / ".c4gh" / "ada" / "bob", "--no-passphrase")
    assert (code, err.count("\n")) == (1, 1)
    assert sorted(path.name for path in (tmp_path / ".c4gh").iterdir()) == ["ada", "ada.pub"]


def test_without_the_extra_no_half_of_a_pair_is_left(modos, tmp_path, monkeypatch):
    """What is missing is told before a passphrase is asked for, and the same name can be used afterwards."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.x25519", None)
    code, _, err = modos("keygen", tmp_path / "key", "--no-passphrase")
    assert (code, list(tmp_path.iterdir())) == (1, [])
    assert "pip install 'modos-objects[encryption]'" in err


def test_without_a_terminal_it_says_where_the_passphrase_can_be(keys, tmp_path):
    """A job that nobody watches is told what to set, instead of that it was interrupted."""
    command = [sys.executable, "-m", "modos", "c4gh", "keygen", str(tmp_path / "key")]
    environ = {name: value for name, value in os.environ.items() if name != "C4GH_PASSPHRASE"}
    job = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "start_new_session": True}
    ended = subprocess.run(command, **job, env=environ, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "there is no terminal on which a passphrase could be asked for; set C4GH_PASSPHRASE" in ended.stderr
    assert not (tmp_path / "key").exists()


def test_the_passphrase_is_asked_for(modos, tmp_path, monkeypatch):
    """Twice for a new key, once for a locked one, not at all for one that is not locked; a wrong one opens nothing."""
    answers = []
    monkeypatch.setattr("typer.prompt", lambda *_, **options: answers.append(options) or PASSPHRASE)
    monkeypatch.setenv("C4GH_PASSPHRASE", "")  # which would lock nothing
    assert modos("keygen", tmp_path / "locked")[0] == 0
    monkeypatch.delenv("C4GH_PASSPHRASE")
    assert [each["confirmation_prompt"] for each in answers] == [True]
    assert modos("keygen", tmp_path / "open", "--no-passphrase")[0] == 0
    assert len(answers) == 1
    (tmp_path / "plain").write_bytes(b"ACGT")
    readers = ("-r", tmp_path / "locked.pub", "-r", tmp_path / "open.pub")
    assert modos("encrypt", tmp_path / "plain", tmp_path / "file", *readers)[0] == 0
    assert modos("decrypt", tmp_path / "file", tmp_path / "1", "-k", tmp_path / "open")[0] == 0
    assert len(answers) == 1
    assert modos("decrypt", tmp_path / "file", tmp_path / "2", "-k", tmp_path / "locked")[0] == 0
    assert len(answers) == 2
    assert all(each["hide_input"] and each["err"] for each in answers)
    monkeypatch.setenv("C4GH_PASSPHRASE", "hush")
    code, out, err = modos("decrypt", tmp_path / "file", tmp_path / "3", "-k", tmp_path / "locked")
    assert (code, out) == (1, "")
    assert "locked: the passphrase is not that of the secret key" in err
    assert "hush" not in err


def test_keys_come_from_the_environment_and_from_commands(modos, keys, monkeypatch, ada):
    """An option goes before the environment; without any, the sentence says what to give."""
    (keys / "file").write_bytes(b"".join(encrypt([b"ACGT"], [ada.public])))
    code, _, err = modos("decrypt", keys / "file", keys / "1")
    assert code == 2
    assert "--key" in err
    assert "C4GH_SECRET_KEY" in err
    assert modos("decrypt", keys / "file", keys / "1", "--key-command", f"cat {keys / 'ada'}")[0] == 0
    monkeypatch.setenv("C4GH_SECRET_KEY", str(keys / "ada"))
    assert modos("decrypt", keys / "file", keys / "2")[0] == 0
    assert modos("decrypt", keys / "file", keys / "3", "-k", keys / "bob")[0] == 1


def test_recipients_are_told_as_far_as_they_can_be(modos, keys, ada, bob):
    """By whoever can read the file, and by whoever wrote it."""
    carol = generate_key()
    (keys / "carol").write_text(format_secret_key(carol), encoding="ascii")
    (keys / "file").write_bytes(b"".join(encrypt([b"ACGT"], [ada.public, bob.public], sender=carol)))
    code, out, _ = modos("recipients", keys / "file", "-k", keys / "ada")
    assert code == 0
    assert out.splitlines() == [
        f"session key  for {ada.public}  by {carol.public}",
        f"packet  for somebody else  by {carol.public}",
    ]
    code, out, _ = modos(
        "recipients", keys / "file", "-k", keys / "carol", "-a", keys / "bob.pub", "-a", ada.public, "--json"
    )
    assert code == 0
    assert [each["reader"] for each in json.loads(out)] == [str(ada.public), str(bob.public)]


def test_reshare_to_another_file_leaves_the_first(modos, keys, ada):
    """And keeps the first reader on demand."""
    file = b"".join(encrypt([b"ACGT"], [ada.public]))
    (keys / "file").write_bytes(file)
    shared = ("reshare", keys / "file", keys / "shared", "-k", keys / "ada", "-r", keys / "bob.pub", "--keep")
    assert modos(*shared)[0] == 0
    assert (keys / "file").read_bytes() == file
    for name in ("ada", "bob"):
        assert modos("decrypt", keys / "shared", keys / f"of {name}", "-k", keys / name)[0] == 0
    assert modos(*shared)[0] == 1
    assert modos(*shared, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("encrypt", "{0}/file", "{0}/out", "-r", "{0}/ada.pub"), "encrypted already; 'modos c4gh reshare'"),
        (("encrypt", "{0}/ada", "{0}/out", "-r", "nobody"), "no file of that name either"),
        (("encrypt", "{0}/ada", "{0}/out", "-r", "{0}/ada"), "ada: a public key is needed"),
        (("encrypt", "{0}/ada", "{0}/bob", "-r", "{0}/ada.pub"), "there is something here already"),
        (("encrypt", "s3://bucket", "{0}/out", "-r", "{0}/ada.pub"), "'s3://bucket' is not the address of a file"),
        (("encrypt", "{0}/", "{0}/out", "-r", "{0}/ada.pub"), "is not the address of a file"),
        (("encrypt", "{0}/none", "{0}/out", "-r", "{0}/ada.pub"), "none: there is nothing here"),
        (("encrypt", "{0}/ada", "{0}/out"), "Missing option '--recipient'"),
        (("decrypt", "{0}/ada", "{0}/out", "-k", "{0}/ada"), "ada: does not begin as a crypt4gh file does"),
        (("decrypt", "{0}/cut", "{0}/out", "-k", "{0}/ada"), "cut: segment 0: the file is cut off behind it"),
        (("decrypt", "{0}/file", "{0}/out", "-k", "{0}/ada", "--size", "5"), "should have 5"),
        (("decrypt", "{0}/file", "{0}/out", "-k", "{0}/ada.pub"), "ada.pub: a secret key file"),
        (
            ("decrypt", "https://host/dir/file?temp_url_sig=hush&temp_url_expires=1", "{0}/out", "-k", "{0}/ada"),
            "'https://host/dir/file?temp_url_sig=…&temp_url_expires=1' is a signed address, which cannot be opened",
        ),
        (("recipients", "{0}/ada", "-k", "{0}/ada"), "ada: does not begin"),
        (("reshare", "{0}/ada", "-k", "{0}/ada", "-r", "{0}/bob.pub"), "ada: does not begin"),
        (("reshare", "{0}/file", "-k", "{0}/bob", "-r", "{0}/bob.pub"), "file: the file is not for the keys"),
        (
            ("reshare", "{0}/file", "-k", "{0}/ada", "-r", "{0}/bob.pub", "--endpoint", "http://x"),
            "--endpoint is for s3",
        ),
    ],
)
def test_a_mistake_is_one_sentence(modos, keys, arguments, told, ada):
    """It names the file; no file is made, none is changed."""
    (keys / "file").write_bytes(b"".join(encrypt([b"ACGT"], [ada.public])))
    (keys / "cut").write_bytes(b"".join(encrypt([bytes(70_000)], [ada.public]))[: 124 + 65_564])
    before = {each.name: each.read_bytes() for each in keys.iterdir()}
    code, out, err = modos(*(each.format(keys) for each in arguments))
    assert code != 0
    assert out == ""
    assert told in err
    assert err.count("\n") == 1
    assert {each.name: each.read_bytes() for each in keys.iterdir()} == before


def test_names_are_found_where_they_are(tmp_path, monkeypatch, modos, keys, content):
    """Beneath the current directory, and by the address of a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").write_bytes(content)
    assert modos("encrypt", "plain", "file.c4gh", "-r", "ada.pub")[0] == 0
    assert modos("decrypt", f"file://{tmp_path}/file.c4gh", "back", "-k", "ada")[0] == 0
    assert open_storage(tmp_path).read("back") == content


@pytest.fixture
def study(tmp_path):
    """The samples as an object on this machine."""
    return MODO.from_file(write_samples(tmp_path / "samples").description, tmp_path / "study")


def test_the_files_of_an_object_are_encrypted_shared_read_and_decrypted(modos, keys, study, ada, capsys):
    """Some of its elements or all; the other commands take a key where they read files."""
    url, key = study.url, ("-k", keys / "ada")
    region = ("stream", url, "donor2.bam", "--region", "chr21:1,000-2,000")
    assert main([*region]) == 0
    expected = capsys.readouterr().out
    code, out, _ = modos("encrypt", url, "donor2_reads", "genome", "-r", keys / "ada.pub", "--sender", keys / "ada")
    assert (code, out.splitlines()) == (
        0,
        ["data/donor2_reads: donor2.bam.c4gh, for 1 key", "reference/genome: reference.fa.c4gh, for 1 key"],
    )
    assert main([*region, "--key", str(keys / "ada")]) == 0
    assert capsys.readouterr().out == expected
    assert main(["fetch-sequence", url, "genome", "chr21:1-9", "--key-command", f"cat {keys / 'ada'}"]) == 0
    capsys.readouterr()
    assert main([*region]) == 1
    assert "no secret key is at hand" in capsys.readouterr().err
    code, out, _ = modos("recipients", url, *key)
    assert (code, out.splitlines()[0]) == (0, "donor2.bam.c4gh")
    assert (
        json.loads(modos("recipients", url, "donor2_reads", *key, "--json")[1])["donor2_reads"][0]["kind"]
        == "session key"
    )
    code, out, _ = modos("reshare", url, "donor2_reads", *key, "--add", keys / "bob.pub")
    assert (code, out.splitlines()) == (0, ["donor2.bam.c4gh: written anew", "donor2.bam.bai.c4gh: written anew"])
    assert main([*region, "-k", str(keys / "bob")]) == 0
    assert modos("reshare", url, "donor2.bam", *key, "--remove", keys / "bob.pub")[0] == 0  # who let him in can
    assert main([*region, "-k", str(keys / "bob")]) == 1
    capsys.readouterr()
    code, out, _ = modos("decrypt", url, "-k", keys / "ada")
    assert (code, out.splitlines()) == (0, ["data/donor2_reads: donor2.bam", "reference/genome: reference.fa"])
    assert not list(study.path.glob("*.c4gh"))
    (keys / "newer.tsv").write_text("gene\tdonor1\n")
    study.refresh().update_element("data/counts", {}, source_file=keys / "newer.tsv")
    code, _, err = modos("encrypt", url, "-r", keys / "ada.pub")
    assert (code, "not encrypted: counts.tsv; 'modos trash --empty'" in err) == (0, True)
    study.refresh().empty_trash()
    assert modos("encrypt", url, "-r", keys / "ada.pub") == (0, "", "")
    code, out, err = modos("encrypt", url, "nobody", "-r", keys / "ada.pub")
    assert (code, out) == (1, "")
    assert "there is no element 'nobody'" in err


def test_only_an_object_has_elements(modos, keys):
    """A file takes one place to go to."""
    code, _, err = modos("encrypt", keys / "ada", "-r", keys / "ada.pub")
    assert code == 2
    assert "say where the file is to go" in err
    code, _, err = modos("encrypt", keys / "ada", "x", "y", "-r", keys / "ada.pub")
    assert code == 2
    assert "a file goes to one place" in err
