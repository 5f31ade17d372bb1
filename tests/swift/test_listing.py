"""Listings: complete past any page, in order, of any names."""

import asyncio
import subprocess
import sys
from collections import Counter

import pytest

from modos.errors import KeyNotFoundError, StorageError
from modos.swift import SwiftFileSystem, SwiftStore
from modos.testing import Fault, Proxy, SwiftServer

pytestmark = pytest.mark.thorough

NAMES = [
    "a b",
    "a+b=c",
    "a/b%2Fc",
    "a#b?c",
    "a;b&c",
    "a'\"b",
    "é",
    "e\u0301",
    "z\U0001f9ec",
    "\uffee",
    "a\tb",
    "a\nb",
    ".hidden",
    "..",
    "a/./b",
]
SMALL_PAGE = 10


@pytest.fixture(scope="module")
def small_pages():
    """A service that lists ten names a page and refuses to be asked for more."""
    with SwiftServer(settings={"swift-constraints": {"container_listing_limit": SMALL_PAGE}}) as server:
        yield server


def test_names_round_trip(fs):
    """Any name that Swift can hold is written, listed, read, copied and deleted as it is, in the order of UTF-8 bytes."""
    for name in NAMES:
        fs.pipe_file(f"omics/{name}", name.encode())
    assert fs.find("omics") == sorted(f"omics/{name}" for name in NAMES)
    assert [info["name"] for info in fs.list_page("omics")[0]] == sorted(
        (f"omics/{name}" for name in NAMES), key=str.encode
    )
    for name in NAMES:
        assert fs.cat_file(f"omics/{name}") == name.encode()
        fs.cp_file(f"omics/{name}", f"omics/copies/{name}")
        fs.rm(f"omics/{name}")
    assert fs.find("omics") == sorted(f"omics/copies/{name}" for name in NAMES)
    fs.rm("omics/copies", recursive=True)
    assert fs.find("omics") == []


def test_ls_tells_directories_and_objects(fs):
    """One level, with directories; the info is that of the object, the name of a directory has no slash."""
    fs.pipe({"omics/ex/data": b"12345", "omics/ex/deep/er": b"", "omics/ex2": b""})
    listed = {info["name"]: (info["type"], info["size"]) for info in fs.ls("omics/ex")}
    assert listed == {"omics/ex/data": ("file", 5), "omics/ex/deep": ("directory", 0)}
    assert fs.ls("omics", detail=False) == ["omics/ex", "omics/ex2"]
    assert fs.ls("omics/ex/data", detail=False) == ["omics/ex/data"]
    assert fs.ls("", detail=False) == ["omics"]
    with pytest.raises(KeyNotFoundError):
        fs.ls("omics/e")
    with pytest.raises(KeyNotFoundError):
        fs.ls("nowhere")


def test_listing_and_head_agree(fs):
    """What a listing says of an object is what a HEAD says, apart from metadata."""
    fs.pipe_file("omics/x", b"12345", content_type="text/x-test", metadata={"lab": "Genève"})
    head, listed = fs.info("omics/x"), fs.ls("omics")[0]
    assert head.pop("metadata") == {"lab": "Genève"}
    assert listed == head


def test_a_prefix_is_no_object(fs):
    """`demo1` does not exist because `demo10` does."""
    fs.pipe_file("omics/demo10", b"")
    assert not fs.exists("omics/demo1")
    assert not fs.isdir("omics/demo1")
    fs.pipe_file("omics/demo1/x", b"")
    assert fs.isdir("omics/demo1")
    assert fs.info("omics/demo1")["type"] == "directory"


def test_find(fs):
    """Everything beneath, by depth and with directories as fsspec means them."""
    fs.pipe(dict.fromkeys(["omics/ex/a", "omics/ex/b/c", "omics/ex/b/d/e", "omics/ex2"], b""))
    assert fs.find("omics/ex") == ["omics/ex/a", "omics/ex/b/c", "omics/ex/b/d/e"]
    assert fs.find("omics/ex", maxdepth=1) == ["omics/ex/a"]
    assert fs.find("omics/ex", maxdepth=2) == ["omics/ex/a", "omics/ex/b/c"]
    assert fs.find("omics/ex", maxdepth=1, withdirs=True) == ["omics/ex", "omics/ex/a", "omics/ex/b"]
    assert fs.find("omics/ex", maxdepth=2, withdirs=True) == [
        "omics/ex",
        "omics/ex/a",
        "omics/ex/b",
        "omics/ex/b/c",
        "omics/ex/b/d",
    ]
    assert fs.find("omics/ex/a") == ["omics/ex/a"]
    assert fs.find("omics/e") == []
    assert fs.find("nowhere") == []
    assert fs.find("") == fs.find("omics")
    assert fs.glob("omics/*/b/*") == ["omics/ex/b/c", "omics/ex/b/d"]
    assert fs.glob("omics/**/c") == ["omics/ex/b/c"]
    assert fs.du("omics") == 0


def test_directory_markers_are_directories(fs):
    """Empty objects that other clients make for directories are directories, and are deleted with them."""
    fs.client  # noqa: B018 - the marker is written below the filesystem, which strips slashes
    fs.run(fs.client.put, "omics/ex/", b"")
    fs.run(fs.client.put, "omics/ex/sub/", b"")
    assert fs.info("omics/ex")["type"] == "directory"
    assert fs.ls("omics/ex", detail=False) == ["omics/ex/sub"]
    assert fs.find("omics/ex") == []
    fs.rm("omics/ex", recursive=True)
    assert not fs.exists("omics/ex")


def connected(server, **options):
    fs = SwiftFileSystem(storage_url=server.storage_url, token=server.token(), skip_instance_cache=True, **options)
    fs.makedirs("omics", exist_ok=True)
    return fs


def fill(fs, names):
    fs.pipe({f"omics/{name}": b"" for name in names})


@pytest.mark.parametrize("count", [SMALL_PAGE - 1, SMALL_PAGE, SMALL_PAGE + 1, 3 * SMALL_PAGE + 5])
def test_pages(small_pages, count):
    """A listing is complete at, before and past the service's page size, which is learnt from the service."""
    small_pages.wipe()
    fs = connected(small_pages)
    names = [f"ex/{n:03d}" for n in range(count)]
    fill(fs, names)
    fill(fs, [f"d{n}/x" for n in range(count)])
    assert len(fs.find("omics/ex")) == count
    assert len(fs.ls("omics/ex")) == count
    assert len(fs.ls("omics")) == count + 1
    assert len(list(fs.walk("omics"))) == count + 2
    fs.rm("omics/ex", recursive=True)
    assert fs.find("omics/ex") == []


def test_list_page(small_pages):
    """A page is one request; its marker leads to the next, or skips what lies between."""
    small_pages.wipe()
    plain = connected(small_pages)
    fill(plain, [f"{ex}/{n:02d}" for ex in ("a", "b", "c") for n in range(15)])
    with Proxy(small_pages.url) as proxy:
        fs = SwiftFileSystem(storage_url=proxy.through(small_pages.storage_url), token=small_pages.token())
        infos, following = fs.list_page("omics", limit=3)
        assert [info["name"] for info in infos] == ["omics/a/00", "omics/a/01", "omics/a/02"]
        assert following == "omics/a/02"
        fs.list_page("omics")  # learns the page size
        proxy.clear()
        infos, following = fs.list_page("omics", start_after="omics/a/\U0010ffff")
        assert infos[0]["name"] == "omics/b/00"
        assert following == "omics/b/09"
        assert fs.list_page("omics", start_after="omics/c/\U0010ffff") == ([], None)
        infos, following = fs.list_page("omics", delimiter="/")
        assert [info["name"] for info in infos] == ["omics/a", "omics/b", "omics/c"]
        assert following is None
        assert proxy.count() == 3
        found, following = [], ""
        while following is not None:
            infos, following = fs.list_page("omics/b", start_after=following)
            found += [info["name"] for info in infos]
        assert found == [f"omics/b/{n:02d}" for n in range(15)]


def test_list_page_with_delimiter_ends(small_pages):
    """Directories at the end of a page are not listed again on the next."""
    small_pages.wipe()
    fs = connected(small_pages)
    fill(fs, [f"d{n:02d}/{k}" for n in range(12) for k in range(3)])
    found, following = [], ""
    while following is not None:
        infos, following = fs.list_page("omics", start_after=following, delimiter="/")
        found += [info["name"] for info in infos]
    assert found == [f"omics/d{n:02d}" for n in range(12)]


def test_a_service_that_takes_no_page_size_is_not_asked_for_ever(small_pages):
    """A service that refuses each listing with 412, as one that finds no account in the address, is an error."""
    with Proxy(small_pages.url) as proxy:
        proxy.inject(Fault(method="GET", status=412, times=None))
        fs = SwiftFileSystem(storage_url=proxy.through(small_pages.storage_url), token=small_pages.token())
        with pytest.raises(StorageError, match="412"):
            fs.list_page("omics")
        assert proxy.count() < 10


def test_hidden_segments_may_fill_pages(small_pages):
    """A page that holds nothing but hidden segments does not end the listing, and shows nothing of them."""
    small_pages.wipe()
    fs = connected(small_pages)
    fill(fs, [f".segments/x/{n:03d}" for n in range(25)])
    fill(fs, ["-before", "after", ".segments0"])
    assert fs.find("omics") == ["omics/-before", "omics/.segments0", "omics/after"]
    assert fs.ls("omics", detail=False) == ["omics/-before", "omics/.segments0", "omics/after"]
    assert len(fs.find("omics/.segments")) == 25
    fs.rm("omics", recursive=True)
    assert fs.find("omics/.segments") == []
    assert fs.exists("omics")


def test_failure_at_page_two(small_pages):
    """A failure on the way through the pages is an error and not a shorter listing."""
    small_pages.wipe()
    fill(connected(small_pages), [f"{n:03d}" for n in range(25)])
    with Proxy(small_pages.url) as proxy:
        fs = SwiftFileSystem(storage_url=proxy.through(small_pages.storage_url), token=small_pages.token(), attempts=1)
        fs.list_page("omics")
        proxy.inject(Fault(method="GET", after=1, status=503, times=None))
        with pytest.raises(OSError, match="503"):
            fs.find("omics")


MERGE = """
import sys
from swift.common.utils import Timestamp
from swift.container.backend import ContainerBroker
fixed = {"created_at": Timestamp.now().internal, "size": 0, "content_type": "", "deleted": 0, "storage_policy_index": 0}
row = fixed | {"etag": "d41d8cd98f00b204e9800998ecf8427e"}
ContainerBroker(sys.argv[1]).merge_items([{"name": name, **row} for name in sys.stdin.read().split()])
"""


def list_names(scratch, names):
    """Write names into the listing of the only container, as Swift's own replication does; writing objects takes minutes."""
    (database,) = scratch.glob("*/devices/*/containers/*/*/*/*.db")
    command = [sys.executable, "-W", "ignore", "-c", MERGE, str(database)]
    subprocess.run(command, input="\n".join(names), text=True, check=True)


def test_25_000_names(tmp_path):
    """Everything is listed in three requests a pass, whoever asks: the filesystem, or the store."""
    attempts = []

    async def collect(listing):
        return [name async for name in listing]

    with SwiftServer(scratch=tmp_path) as server:
        fs = connected(server, on_request=attempts.append)
        list_names(tmp_path, [f"ex/{n % 10}/{n:05d}" for n in range(25_000)])
        options = {"storage_url": server.storage_url, "token": server.token(), "on_request": attempts.append}
        store = SwiftStore("omics", "ex", options)
        assert not fs.run(store.is_empty, "")
        passes = {
            "find": lambda: len(fs.find("omics/ex")),
            "glob": lambda: len(fs.glob("omics/ex/*/*7")) * 10,
            "du": lambda: len(fs.du("omics", total=False)),
            "list": lambda: len(fs.run(collect, store.list())),
            "list_dir": lambda: len(fs.run(collect, store.list_dir("3"))) * 10,
        }
        for name, listed in passes.items():
            attempts.clear()
            assert (name, listed()) == (name, 25_000)
            assert [attempt.method for attempt in attempts] in (["GET"], ["GET"] * 3)


@pytest.mark.parametrize("of", ["filesystem", "store"])
def test_deleting_is_three_listings_and_bulk_requests(tmp_path, of):
    """Two pages and a half are deleted with a request for each page, and four bulk requests for its names; a neighbour stays."""
    attempts = []
    with SwiftServer(scratch=tmp_path, settings={"swift-constraints": {"container_listing_limit": 100}}) as server:
        fs = connected(server, on_request=attempts.append)
        fill(fs, ["ex/real", "ex2"])
        list_names(tmp_path, [f"ex/{n:05d}" for n in range(249)])
        fs.list_page("omics", limit=1)
        options = {"storage_url": server.storage_url, "token": server.token(), "on_request": attempts.append}
        store = SwiftStore("omics", "", options)
        attempts.clear()
        if of == "store":
            fs.run(store.delete_dir, "ex")
        else:
            fs.rm("omics/ex", recursive=True)
        requests = Counter((attempt.method, attempt.status) for attempt in attempts)
        assert fs.find("omics") == ["omics/ex2"]
    assert requests["GET", 200] == 3
    assert requests["POST", 200] == 12


def test_recursive_delete_is_a_few_requests(fs, proxy, swift, connect):
    """Deleting everything beneath costs a listing and a few bulk requests, not one for each object."""

    async def create():
        gate = asyncio.Semaphore(32)

        async def one(n):
            async with gate:
                await fs.client.put(f"omics/ex/{n:05d}", b"")

        await asyncio.gather(*(one(n) for n in range(60)))

    fs.run(create)
    watched = connect(storage_url=proxy.through(swift.storage_url))
    proxy.clear()
    assert len(watched.find("omics/ex")) == 60
    assert proxy.count() == 1
    proxy.clear()
    watched.rm("omics/ex", recursive=True)
    assert proxy.count() <= 6
    assert fs.find("omics") == []
