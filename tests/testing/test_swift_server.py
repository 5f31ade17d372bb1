"""SwiftServer: a real Swift that starts fast, speaks S3, forgets on demand and never outlives the tests."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from hashlib import md5
from urllib.parse import quote, urlsplit

import pytest

from modos.errors import AuthenticationError, InvalidInputError, MissingDependencyError, ServiceError
from modos.testing import SwiftServer

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def running():
    with SwiftServer(accounts={"test": {"tester": "testing"}, "other_lab": {"é_b": "100%(ü)key;#"}}) as server:
        yield server


@pytest.fixture
def server(running):
    running.wipe()
    return running


def ask(server, method, path, body=None, *, token=None, **headers):
    """Send one request to the first account and return status and body of the answer."""
    url = urlsplit(server.storage_url)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(url.netloc, timeout=30)) as connection:
        connection.request(
            method, quote(f"{url.path}{path}", safe="/?=&-"), body, {"X-Auth-Token": token or server.token(), **headers}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()


def is_open(port):
    with closing(socket.socket()) as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def becomes(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_it_starts_in_under_ten_seconds_and_leaves_nothing_behind(tmp_path):
    """A server answers within seconds of being started, and stopping it leaves no file and no process."""
    begin = time.monotonic()
    with SwiftServer(scratch=tmp_path) as server:
        assert server.token()
        assert time.monotonic() - begin < 10
        port = urlsplit(server.url).port
        assert [path.name.startswith("modos-swift-") for path in tmp_path.iterdir()] == [True]
    assert list(tmp_path.iterdir()) == []
    assert not is_open(port)


def test_nothing_in_the_scratch_folder_holds_a_key(tmp_path):
    """Keys are never written to the disk, and nobody else may look into the scratch folder."""
    with SwiftServer(accounts={"lab": {"user": "s3cr3t-key"}}, scratch=tmp_path) as server:
        server.token()
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        assert not [path for path in folder.rglob("*") if path.is_file() and b"s3cr3t-key" in path.read_bytes()]


def test_two_servers_know_nothing_of_each_other(server):
    """Servers that run at the same time have ports, tokens and contents of their own."""
    ask(server, "PUT", "/only-here")
    with SwiftServer() as second:
        assert second.url != server.url
        assert ask(second, "GET", "/only-here")[0] == 404
        assert ask(second, "GET", "", token=server.token())[0] == 401


def test_a_pre_authenticated_token_reads_and_writes_and_the_listing_knows_at_once(server):
    """With a token and the storage URL alone, what was put is read back and listed without delay."""
    assert ask(server, "PUT", "/omics")[0] == 201
    names = [f"ex/data.zarr/c/{number}" for number in range(20)] + ["ex/a b+c=é.txt"]
    for name in names:
        assert ask(server, "PUT", f"/omics/{name}", name.encode())[0] == 201
    assert ask(server, "GET", "/omics/ex/a b+c=é.txt") == (200, "ex/a b+c=é.txt".encode())
    assert ask(server, "GET", "/omics")[1].decode().splitlines() == sorted(names)
    assert ask(server, "DELETE", f"/omics/{names[0]}")[0] == 204
    assert names[0] not in ask(server, "GET", "/omics")[1].decode().splitlines()


def test_objects_have_as_much_metadata_as_swift_allows(server):
    """Metadata of 4 KiB is kept whatever the file system is; more is refused, and only that request."""
    ask(server, "PUT", "/omics")
    metadata = {f"X_Object_Meta_{number}": "v" * 255 for number in range(15)}
    assert ask(server, "PUT", "/omics/full", b"x", **metadata)[0] == 201
    assert ask(server, "POST", "/omics/full", **(metadata | {"X_Object_Meta_0": "new"}))[0] == 202
    assert ask(server, "GET", "/omics/full") == (200, b"x")
    assert (
        ask(server, "PUT", "/omics/over", b"x", **metadata, X_Object_Meta_16="v" * 256, X_Object_Meta_17="v")[0] == 400
    )
    assert ask(server, "PUT", "/omics/next", b"x")[0] == 201


def test_every_user_logs_in_with_the_own_key(server):
    """Names with underscores and keys with any sign but spaces work, and a user that is not there has no token."""
    assert server.token("other_lab:é_b") != server.token("test:tester")
    with pytest.raises(AuthenticationError, match="nobody"):
        server.token("test:nobody")


def test_wipe_removes_everything_fast_and_the_names_can_be_used_again(server):
    """After a wipe, in well under a second, containers of the same names are new and tokens still valid."""
    token = server.token()
    ask(server, "POST", "", X_Account_Meta_Temp_URL_Key="secret")
    for container in ("one", "two"):
        ask(server, "PUT", f"/{container}", X_Container_Meta_Colour="red")
        for number in range(50):
            ask(server, "PUT", f"/{container}/{number}", b"x", token=token)
    begin = time.monotonic()
    server.wipe()
    assert time.monotonic() - begin < 0.5
    assert ask(server, "GET", "", token=token) == (204, b"")
    assert ask(server, "GET", "/one/0", token=token)[0] == 404
    assert ask(server, "PUT", "/one", token=token)[0] == 201
    assert ask(server, "GET", "/one", token=token) == (204, b"")


def test_expired_tokens_are_refused_and_a_new_login_works(server):
    """A token that was expired gives 401; the next one that is asked for is another and valid."""
    token = server.token()
    server.expire_tokens()
    assert ask(server, "GET", "", token=token)[0] == 401
    assert server.token() != token
    assert ask(server, "GET", "")[0] == 204


def test_tokens_live_as_long_as_they_were_told_to():
    """With a short life, a token is refused a moment later."""
    with SwiftServer(token_life=1) as server:
        token = server.token()
        assert becomes(lambda: ask(server, "GET", "", token=token)[0] == 401)


def test_static_large_objects_have_segments_of_any_size(server):
    """A manifest over segments of one byte and more is accepted and read as their concatenation."""
    for container in ("omics", "omics_segments"):
        ask(server, "PUT", f"/{container}")
    segments = [b"A", b"CGT" * 1000]
    manifest = []
    for number, content in enumerate(segments):
        ask(server, "PUT", f"/omics_segments/{number}", content)
        etag = md5(content).hexdigest()
        manifest.append({"path": f"/omics_segments/{number}", "etag": etag, "size_bytes": len(content)})
    status, _ = ask(server, "PUT", "/omics/big?multipart-manifest=put", json.dumps(manifest))
    assert status == 201
    assert ask(server, "GET", "/omics/big") == (200, b"".join(segments))
    assert ask(server, "GET", "/omics/big", Range="bytes=0-3") == (206, b"ACGT")


def test_the_settings_of_filters_and_limits_are_the_callers():
    """An option of a filter or a limit of Swift that the caller gives is the one the server tells."""
    settings = {"filter:slo": {"max_manifest_segments": 7}, "swift-constraints": {"max_file_size": 123_456}}
    with SwiftServer(settings=settings) as server, closing(http.client.HTTPConnection(server.url[7:])) as connection:
        connection.request("GET", "/info")
        info = json.loads(connection.getresponse().read())
    assert info["slo"]["max_manifest_segments"] == 7
    assert info["swift"]["max_file_size"] == 123_456


def test_the_same_server_speaks_s3(server):
    """A signed S3 client writes, lists and reads, in one part and in several; a wrong key is refused."""
    botocore_session = pytest.importorskip("botocore.session")
    from botocore.config import Config
    from botocore.exceptions import ClientError

    def client(secret):
        return botocore_session.Session().create_client(
            "s3",
            endpoint_url=server.s3_endpoint,
            region_name="us-east-1",
            aws_access_key_id=server.user,
            aws_secret_access_key=secret,
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    with closing(client(server.key)) as s3:
        s3.create_bucket(Bucket="omics")
        s3.put_object(Bucket="omics", Key="ex/a b+c=é.txt", Body=b"ACGT")
        with s3.get_object(Bucket="omics", Key="ex/a b+c=é.txt")["Body"] as body:
            assert body.read() == b"ACGT"
        upload = {"Bucket": "omics", "Key": "big"}
        upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
        parts = [
            {"PartNumber": n, "ETag": s3.upload_part(**upload, PartNumber=n, Body=content)["ETag"]}
            for n, content in ((1, b"x" * 5_242_880), (2, b"y"))
        ]
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        listing = s3.list_objects_v2(Bucket="omics")["Contents"]
        assert {found["Key"]: found["Size"] for found in listing} == {"big": 5_242_881, "ex/a b+c=é.txt": 4}
    assert ask(server, "GET", "/omics/big")[1][-2:] == b"xy"
    with closing(client("wrong")) as s3, pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3.list_buckets()


START = """
import os, sys, time
from modos.testing import SwiftServer
server = SwiftServer(scratch=sys.argv[1]).start()
if os.fork() == 0:
    time.sleep(30)
    os._exit(0)
print(server.url, flush=True)
time.sleep(60)
"""


@pytest.mark.filterwarnings("ignore")
def test_the_server_dies_with_a_parent_that_was_killed(tmp_path):
    """After kill -9 of the process that started it the port closes within seconds and the scratch folder goes.

    Also when a fork of that process lives on and holds the pipe to the server open.
    """
    command = [sys.executable, "-W", "ignore", "-c", START, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        try:
            port = urlsplit(parent.stdout.readline().strip()).port
            assert is_open(port)
            parent.kill()
            assert becomes(lambda: not is_open(port))
            assert becomes(lambda: list(tmp_path.iterdir()) == [])
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def test_without_swift_the_error_says_what_to_install(monkeypatch, tmp_path):
    """Where swift is not installed, the error is the line that installs it, and nothing was started."""
    monkeypatch.setitem(sys.modules, "swift", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modos-objects\[swift-server\]'"):
        SwiftServer(scratch=tmp_path).start()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path):
    """A setting that Swift refuses ends in one error with the reason and the log, and nothing is left behind."""
    server = SwiftServer(
        settings={"pipeline:main": {"pipeline": "catch_errors nonsense proxy-server"}}, scratch=tmp_path
    )
    with pytest.raises(ServiceError, match="nonsense") as failure:
        server.start()
    assert "nonsense" in failure.value.__notes__[0]
    assert "Traceback" in server.log
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_started_says_so():
    """Addresses of a server that does not run are refused in one sentence; stopping it is no mistake."""
    server = SwiftServer()
    server.stop()
    with pytest.raises(ServiceError, match="not started"):
        _ = server.url
    with pytest.raises(ServiceError, match="not started"):
        server.wipe()


@pytest.mark.parametrize("accounts", [{}, {"a:b": {"c": "k"}}, {"a": {"": "k"}}, {"a": {"b": "two words"}}])
def test_users_that_cannot_be_configured_are_refused(accounts):
    """Without a user, or with a name or key that Swift could not be told, no server is made."""
    with pytest.raises(InvalidInputError):
        SwiftServer(accounts=accounts)


def test_importing_modos_testing_loads_no_swift():
    """Asking for the names costs neither swift nor eventlet."""
    script = "import sys; from modos.testing import SwiftServer, Proxy; print({'swift', 'eventlet'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
