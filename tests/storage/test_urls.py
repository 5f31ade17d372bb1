"""Which storage serves an address."""

from pathlib import Path, PurePosixPath

import pytest

from modos.errors import InvalidInputError, InvalidPathError, InvalidURLError
from modos.storage import FsspecStorage, LocalStorage, S3Storage, Storage, SwiftStorage, open_storage
from modos.storage.urls import is_url


@pytest.mark.parametrize(
    ("url", "kind", "address"),
    [
        ("s3://omics/study", S3Storage, "s3://omics/study"),
        ("S3://omics/study/", S3Storage, "s3://omics/study"),
        ("swift://omics/a b+c", SwiftStorage, "swift://omics/a b+c"),
        (
            "swift+http://127.0.0.1:8080/v1/AUTH_lab/omics/ex",
            SwiftStorage,
            "swift+http://127.0.0.1:8080/v1/AUTH_lab/omics/ex",
        ),
        ("memory://study/ex", FsspecStorage, "memory://study/ex"),
        ("file:///data/my%20study", LocalStorage, "/data/my study"),
        ("file://localhost/data", LocalStorage, "/data"),
        ("/data/../data/ex", LocalStorage, "/data/ex"),
    ],
)
def test_an_address_opens_its_storage(url, kind, address):
    """The scheme chooses the backend, and the storage's own address opens an equal one."""
    storage = Storage.from_url(url)
    assert type(storage) is kind
    assert storage.url == address
    assert open_storage(storage.url) == storage


def test_paths_of_this_machine_are_no_addresses(tmp_path, monkeypatch):
    """Relative paths stand where the process stands, `~` is the home, and a colon in a name makes no scheme."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert open_storage("ex").url == str(tmp_path / "ex")
    assert open_storage(Path("ex")) == open_storage(PurePosixPath("ex")) == open_storage("./ex")
    assert open_storage("~/ex").url == str(tmp_path / "home" / "ex")
    assert open_storage("a:b").url == str(tmp_path / "a:b")
    assert not is_url("C:\\data")


@pytest.mark.parametrize("url", ["s4://omics", "swift+ftp://host/v1/AUTH_a/c", "nonsense://x"])
def test_an_unknown_scheme_is_refused(url):
    """The message says that no storage serves it."""
    with pytest.raises(InvalidURLError, match="no storage serves"):
        open_storage(url)


@pytest.mark.parametrize(
    ("url", "meant"), [("s33://omics", "s3"), ("swft://omics", "swift"), ("swift+htps://h/v1/a/c", "swift+https")]
)
def test_a_close_scheme_is_suggested(url, meant):
    """A slip of the finger is answered with what was meant."""
    with pytest.raises(InvalidURLError, match=f"'{meant.replace('+', '[+]')}'"):
        open_storage(url)


@pytest.mark.parametrize("url", ["s3://UPPER", "s3://", "swift://", "file://other-host/data", "", "nul\0"])
def test_a_bad_address_is_refused(url):
    """Names that no bucket, container or directory can have are refused at once."""
    with pytest.raises(InvalidPathError):
        open_storage(url)


@pytest.mark.parametrize("url", ["s3://omics", "/data", "swift://omics"])
def test_an_unknown_option_is_refused(url):
    """An option that the backend does not know is a mistake, named, at the latest when it is first used."""
    with pytest.raises(InvalidInputError, match="no_such_option"):
        _ = open_storage(url, no_such_option=1).filesystem


def test_options_reach_the_backend():
    """What stands in the address and the options makes the storage; reading only too."""
    storage = open_storage("s3://omics", endpoint="http://127.0.0.1:9", anon=True, read_only=True)
    assert storage == S3Storage("s3://omics", "http://127.0.0.1:9", {"anon": True}, read_only=True)
    assert storage != S3Storage("s3://omics", "http://127.0.0.1:9", {"anon": True})
    assert storage != S3Storage("s3://omics", "http://127.0.0.1:8", {"anon": True}, read_only=True)
    assert storage != SwiftStorage("swift://omics")


def test_making_a_storage_does_nothing():
    """No address is looked up, no directory made, no environment read: a host that is not there does not matter."""
    for url in ("s3://omics", "swift+https://no-such-host.invalid/v1/AUTH_lab/omics", "/no/such/directory"):
        assert (open_storage(url) / "ex").url.endswith("/ex")
    assert not Path("/no/such/directory").exists()
