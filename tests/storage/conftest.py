"""A Swift whose listings have small pages, so that a few names are enough to need a second one; Azure's emulator."""

import base64
import hashlib
import hmac
import http.client
import shutil
import socket
import subprocess
import time
from email.utils import formatdate

import pytest

from modos.storage import open_storage
from modos.testing import SwiftServer

PAGE_SIZE = 20


@pytest.fixture(scope="session")
def paging_account(account):
    """The account of a server that lists at most 20 names a page, by its own API and by that of S3, and takes parts of any size."""
    settings = {  # S3 asks for one more than it gives, to know whether more is there
        "swift-constraints": {"container_listing_limit": PAGE_SIZE + 1},
        "filter:s3api": {"max_bucket_listing": PAGE_SIZE, "max_parts_listing": PAGE_SIZE, "min_segment_size": 1},
    }
    with SwiftServer(settings=settings) as server:
        yield type(account)(server)


@pytest.fixture(scope="session")
def paging_bucket(paging_account):
    """A bucket of that server; storages beneath it share one connection."""
    return paging_account.s3(paging_account.container())


@pytest.fixture(scope="session")
def paging_bucket_without_obstore(paging_account):
    """A bucket of that server that s3fs alone serves."""
    return paging_account.s3(paging_account.container(), engine="fsspec")


@pytest.fixture(scope="session")
def paging_container(paging_account):
    """A container of that server, whose account can sign URLs; storages beneath it share one connection."""
    paging_account.ask("POST", "", headers={"X-Account-Meta-Temp-URL-Key": "temporary"})
    return paging_account.swift(paging_account.container())


AZURITE = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
)
"""The account and key that every Azurite has, as its documentation says."""


@pytest.fixture(scope="session")
def azure_container():
    """A container of Azurite, Microsoft's emulator (`npm install --global azurite`)."""
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("Azure is not tested: npm install --global azurite")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--inMemoryPersistence",
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--blobPort",
        str(port),
    ]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _make_azure_container(port, "omics")
        account, key = AZURITE
        endpoint = f"http://127.0.0.1:{port}/{account}"
        yield open_storage("az://omics", storage_options={"account": account, "key": key, "endpoint": endpoint})
    finally:
        process.terminate()
        process.wait(30)


def _make_azure_container(port, name):
    account, key = AZURITE
    told = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    lines = [
        *(f"{header}:{value}" for header, value in told.items()),
        f"/{account}/{account}/{name}",
        "restype:container",
    ]
    text = "\n".join(["PUT", *[""] * 11, *lines])
    signature = base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)).decode()
    headers = {**told, "Authorization": f"SharedKey {account}:{signature}", "Content-Length": "0"}
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("PUT", f"/{account}/{name}?restype=container", headers=headers)
            assert connection.getresponse().status == 201
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    pytest.fail("Azurite did not start")
