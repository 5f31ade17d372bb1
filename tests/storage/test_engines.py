"""Who moves the bytes of S3: obstore where it is installed, s3fs otherwise, and nobody sees a difference."""

import asyncio
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys

import pytest
from botocore.loaders import JSONFileLoader

from modos.errors import (
    AuthenticationError,
    InvalidInputError,
    KeyChangedError,
    MissingDependencyError,
    ServiceUnavailableError,
    StorageError,
    UnreachableError,
)
from modos.storage import S3Storage, open_storage
from modos.storage.backends.engine import ObstoreEngine, chosen_engine
from modos.storage.backends.s3fs_engine import S3fsEngine
from modos.testing import Fault, Proxy

PART = 5 << 20
ENGINES = ["obstore", "fsspec"]


def pieces(count):
    for number in range(count):
        yield bytes([number]) * (1 << 20)


@pytest.mark.parametrize(("engine", "kind"), [(None, ObstoreEngine), ("obstore", ObstoreEngine), ("s3fs", S3fsEngine)])
def test_the_engine_is_chosen_by_what_is_installed_or_asked_for(account, container, engine, kind):
    """obstore is taken where it is installed; either can be asked for, s3fs by its own name too."""
    assert isinstance(account.s3(container, engine=engine)._moving.get(), kind)


def test_without_obstore_s3fs_moves_the_bytes(monkeypatch):
    """Where obstore is not installed nothing fails, unless it was asked for: that error is the line to install it."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setattr("modos.storage.backends.engine.find_spec", lambda name: None)
    assert chosen_engine(None) == "fsspec"
    with pytest.raises(MissingDependencyError, match="fast"):
        chosen_engine("obstore")


def test_an_engine_that_is_none_is_refused():
    """The message lists the engines."""
    with pytest.raises(InvalidInputError, match="obstore, fsspec"):
        S3Storage("s3://omics", None, {"engine": "boto"})


def _read_in_child(storage, results):
    try:
        results.put(storage.read("demo"))
    except StorageError as error:
        results.put(str(error))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(("engine", "expected"), [(None, b"ACGT"), ("obstore", "forked")])
def test_a_forked_process_reads_by_s3fs(account, container, engine, expected):
    """obstore's threads end with a fork: the child works by s3fs, or says so when obstore was demanded."""
    storage = account.s3(container, engine=engine)
    storage.put(b"ACGT", "demo")
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_read_in_child, args=(storage, results))
    child.start()
    found = results.get(timeout=60)
    child.join()
    assert found == expected if isinstance(expected, bytes) else expected in found


@pytest.mark.parametrize("engine", ENGINES)
def test_a_name_with_control_characters_is_a_name(account, container, engine):
    """S3 takes them, obstore does not: such a file is written, found and read all the same."""
    storage = account.s3(container, engine=engine)
    storage.put(b"ACGT", "line\tbreak\u007f.txt")
    assert storage.read("line\tbreak\u007f.txt") == b"ACGT"
    assert storage.stat("line\tbreak\u007f.txt").size == 4


def test_a_storage_is_let_go_of_in_an_event_loop(account, container):
    """Its client is closed in the loop that it is of, and nothing goes wrong unheard, as in a notebook."""
    told = []

    async def use():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
        storage = account.s3(container)
        assert storage.empty()
        connections = storage.filesystem.s3._endpoint.http_session._sessions
        del storage
        gc.collect()
        for _ in range(500):
            if not connections:
                break
            await asyncio.sleep(0.01)
        return connections

    assert not asyncio.run(use())
    gc.collect()
    assert told == []


def test_what_botocore_knows_of_services_is_read_once(account, container, monkeypatch):
    """However many storages there are, each with a client of its own, the descriptions of AWS's services are read once."""
    assert account.s3(container).filesystem.ls(container) == []
    read, load = [], JSONFileLoader.load_file
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda self, path: read.append(path) or load(self, path))
    assert account.s3(container, attempts=2).filesystem.ls(container) == []
    assert read == []


def test_names_that_no_xml_can_say_are_removed_with_others(account, container):
    """A request for several names is XML: those that it cannot have are asked for by themselves."""
    storage = account.s3(container)
    names = ["a", "b\u0001.txt", "c\ufffe", "d\r\n", "e"]
    for name in names:
        storage.put(b"ACGT", name)
    assert {str(path) for path in storage.list()} == set(names)
    storage.remove_many(names)
    assert storage.empty()


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ENGINES)
def test_a_long_body_goes_in_parts_beyond_the_threshold(account, container, engine):
    """`multipart_threshold` and `part_size` say when a body is cut and how."""
    with Proxy(account.server.url) as proxy:
        options = {"multipart_threshold": 6 << 20, "part_size": PART, "engine": engine}
        storage = account.s3(container, endpoint=proxy.url, **options)
        storage.put(pieces(6), "short")
        assert proxy.count(method="PUT") == proxy.count() == 1
        proxy.clear()
        storage.put(pieces(12), "long")
        parts = [request.bytes_sent for request in proxy.requests if "partNumber" in request.query]
        assert len(parts) > 1
        assert max(parts) < 12 << 20
        assert sum(parts) == 12 << 20
        assert storage.stat("long").size == 12 << 20


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("failure", ["source", "service"])
def test_an_upload_that_fails_leaves_nothing(account, container, engine, failure):
    """When the source or the service fails midway, the service keeps neither the file nor an unfinished upload."""

    def breaking():
        yield from pieces(12)
        raise ZeroDivisionError

    with Proxy(account.server.url) as proxy:
        options = {"multipart_threshold": PART, "part_size": PART, "engine": engine, "attempts": 1}
        storage = account.s3(container, endpoint=proxy.url, **options)
        if failure == "service":
            proxy.inject(Fault(method="PUT", after=1, times=None, status=503))
        with pytest.raises(ZeroDivisionError if failure == "source" else ServiceUnavailableError):
            storage.put(breaking() if failure == "source" else pieces(20), "long")
        proxy.heal()
        assert any("uploads" in request.query for request in proxy.requests)
        assert not storage._call("list_multipart_uploads").get("Uploads")
        assert storage.empty()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("status", [404, 409, 412])
def test_what_has_changed_is_not_replaced(account, container, engine, status):
    """A service with conditions gets the ETag as `If-Match`; its refusal is KeyChangedError, its consent a new ETag."""
    with Proxy(account.server.url) as proxy:
        storage = account.s3(container, endpoint=proxy.url, engine=engine, attempts=1)
        proxy.inject(Fault(method="PUT", status=status), Fault(method="PUT", status=200, headers={"ETag": '"new"'}))
        with pytest.raises(KeyChangedError) as caught:
            storage.put(b"ACGT", "demo", if_match='"old"')
        assert caught.value.url == storage.url_of("demo")
        assert storage.put(b"ACGT", "demo", if_match="old").etag == "new"
        assert {request.headers["if-match"] for request in proxy.requests} == {'"old"'}


@pytest.mark.parametrize("engine", ENGINES)
def test_credentials_come_from_the_environment(account, container, engine, monkeypatch, tmp_path):
    """The variables of AWS, a profile in its files, and `AWS_ENDPOINT_URL` are read at the first request."""
    account.put(container, "demo", b"ACGT")
    storage = open_storage(f"s3://{container}", storage_options={"engine": engine})
    config = tmp_path / "config"
    config.write_text(
        f"[profile lab]\naws_access_key_id = {account.server.user}\naws_secret_access_key = {account.server.key}\n"
        f"region = us-east-1\nendpoint_url = {account.server.s3_endpoint}\n"
    )
    profiled = open_storage(f"s3://{container}", storage_options={"engine": engine, "profile": "lab"})
    with pytest.raises(AuthenticationError):
        open_storage(f"s3://{container}", storage_options={"engine": engine}).read("demo")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert profiled.read("demo") == b"ACGT"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.server.user)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", account.server.key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.server.s3_endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert storage.read("demo") == b"ACGT"


@pytest.mark.parametrize("engine", ENGINES)
def test_the_service_of_the_environment_is_named_when_nobody_listens(engine, monkeypatch):
    """Who has mistyped `AWS_ENDPOINT_URL` is told what was asked, and not that it was AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lab:me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    storage = open_storage("s3://omics", storage_options={"engine": engine, "attempts": 1})
    with pytest.raises(UnreachableError, match=r"no connection to http://127\.0\.0\.1:1;"):
        storage.read("demo")


def _of_botocore(key, secret):
    from botocore.session import Session

    session = Session()
    session.set_credentials(key, secret)
    session.set_config_variable("region", "us-east-1")
    return session


def _of_boto3(key, secret):
    from boto3.session import Session

    return Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1")


@pytest.mark.parametrize("session_of", [_of_boto3, _of_botocore])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_session_that_is_at_hand_is_used(account, container, engine, session_of):
    """A session of boto3, or of botocore, gives credentials and region."""
    account.put(container, "demo", b"ACGT")
    session = session_of(account.server.user, account.server.key)
    options = {"session": session, "endpoint": account.server.s3_endpoint, "engine": engine}
    assert open_storage(f"s3://{container}", storage_options=options).read("demo") == b"ACGT"


@pytest.mark.parametrize("engine", ENGINES)
def test_nobody_asks_without_signature(account, container, engine, monkeypatch):
    """`skip_signature`, as an option or as `AWS_SKIP_SIGNATURE`, sends no credentials though there are some."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with Proxy(account.server.url) as proxy:
        address = f"s3+{proxy.url}/{container}"
        signed, *unsigned = (
            open_storage(address, storage_options={"engine": engine, "attempts": 1, "region": "us-east-1", **options})
            for options in ({}, {"skip_signature": True})
        )
        monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
        variable = open_storage(address, storage_options={"engine": engine, "attempts": 1, "region": "us-east-1"})
        for storage in (*unsigned, variable):
            with pytest.raises(StorageError):
                storage.read("demo")
        assert ["authorization" in request.headers for request in proxy.requests] == [False, False]
        monkeypatch.delenv("AWS_SKIP_SIGNATURE")
        proxy.clear()
        with pytest.raises(AuthenticationError):
            signed.read("demo")
        assert all("authorization" in request.headers for request in proxy.requests)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_address_with_its_endpoint_is_all_there_is_to_say(account, container, engine):
    """`s3+http://host/bucket/prefix` reaches the service at that host; its own address opens it again."""
    options = {"access_key_id": account.server.user, "secret_access_key": account.server.key, "engine": engine}
    storage = open_storage(
        f"s3+{account.server.s3_endpoint}/{container}/study", storage_options={"region_name": "us-east-1", **options}
    )
    storage.put(b"ACGT", "demo")
    assert account.get(container, "study/demo") == b"ACGT"
    assert storage.url == f"s3+{account.server.s3_endpoint}/{container}/study"
    assert pickle.loads(pickle.dumps(storage)) == storage
    assert (storage / "demo").url == storage.url_of("demo") == f"{storage.url}/demo"
    for error in (lambda: storage.stat("missing"), lambda: storage.read("missing")):
        with pytest.raises(FileNotFoundError) as caught:
            error()
        assert account.server.key not in f"{caught.value}{storage!r}{storage.filesystem!r}"


def test_making_a_storage_loads_no_client():
    """Neither obstore, s3fs, botocore nor aiohttp is imported until the first request."""
    code = (
        "import sys; from modos.storage import open_storage;"
        "open_storage('s3://omics'); open_storage('az://omics'); open_storage('gs://omics'); open_storage('https://host/dir');"
        "print([name for name in ('s3fs', 'botocore', 'aiobotocore', 'boto3') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert told.stdout.strip() == "[]"


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ENGINES)
def test_a_long_source_may_read_the_same_service(account, container, engine):
    """What is put in parts may come, as it is asked for, from another file of S3."""
    given = {"key": account.server.user, "secret": account.server.key, "region": "us-east-1", "engine": engine}
    storage = open_storage(f"s3+{account.server.s3_endpoint}/{container}", storage_options=given)
    body = bytes(range(256)) * (80 << 10)
    storage.put(body, "there")
    storage.put((storage.read("there", start, start + (8 << 20)) for start in range(0, len(body), 8 << 20)), "here")
    with storage.open("there") as file:
        storage.put(file, "file")
    assert storage.read("here") == storage.read("file") == body


def test_an_address_is_signed_for_whole_seconds_and_by_s3_for_a_week_at_most(account, container):
    """Less than a second is one, and not none; what the service would refuse is refused when it is asked for."""
    bucket = account.s3(container)
    assert "X-Amz-Expires=1&" in bucket.sign("x", expires_in=0.4)
    assert "X-Amz-Expires=604800&" in bucket.sign("x", expires_in=604_800)
    with pytest.raises(InvalidInputError, match="S3 signs addresses for 604,800 seconds, a week, and not for 604,801"):
        bucket.sign("x", expires_in=604_800.5)
