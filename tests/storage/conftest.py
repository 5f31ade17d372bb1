"""A Swift whose listings have small pages, so that a few names are enough to need a second one."""

import pytest

from modos.testing import SwiftServer

PAGE_SIZE = 20


@pytest.fixture(scope="session")
def paging_account(account):
    """The account of a server that lists at most 20 names a page, by its own API and by that of S3."""
    settings = {
        "swift-constraints": {"container_listing_limit": PAGE_SIZE},
        "filter:s3api": {"max_bucket_listing": PAGE_SIZE},
    }
    with SwiftServer(settings=settings) as server:
        yield type(account)(server)
