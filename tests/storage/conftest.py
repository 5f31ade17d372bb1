"""A Swift whose listings have small pages, so that a few names are enough to need a second one."""

import pytest

from modos.testing import SwiftServer

PAGE_SIZE = 20


@pytest.fixture(scope="session")
def paging_account(account):
    """The account of a server that lists at most 20 names a page, by its own API and by that of S3."""
    settings = {  # S3 asks for one more than it gives, to know whether more is there
        "swift-constraints": {"container_listing_limit": PAGE_SIZE + 1},
        "filter:s3api": {"max_bucket_listing": PAGE_SIZE},
    }
    with SwiftServer(settings=settings) as server:
        yield type(account)(server)


@pytest.fixture(scope="session")
def paging_bucket(paging_account):
    """A bucket of that server; storages beneath it share one connection."""
    return paging_account.s3(paging_account.container())


@pytest.fixture(scope="session")
def paging_container(paging_account):
    """A container of that server, whose account can sign URLs; storages beneath it share one connection."""
    paging_account.ask("POST", "", headers={"X-Account-Meta-Temp-URL-Key": "temporary"})
    return paging_account.swift(paging_account.container())
