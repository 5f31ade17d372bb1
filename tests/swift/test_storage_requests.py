"""What the storage's verbs cost on Swift, to the request."""

import pytest

from modos.errors import KeyNotFoundError
from modos.storage import SwiftStorage

SEGMENT = 1 << 16


@pytest.fixture
def asked(connect, swift):
    """A storage, and a function that returns what a call made of it asks for."""
    attempts = []
    made = SwiftStorage(
        "swift://omics/ex",
        storage_url=swift.storage_url,
        token=swift.token(),
        segment_size=SEGMENT,
        on_request=attempts.append,
    )
    connect()

    def methods(call):
        attempts.clear()
        call()
        return [attempt.method for attempt in attempts]

    return made, methods


def test_looking_is_one_request(asked):
    """`exists` and `stat` cost one HEAD, of what is there, of what is not, and of a directory's name."""
    storage, methods = asked
    storage.put(b"1", "deep/demo")
    for name, there in (("deep/demo", True), ("deep", False), ("demo", False)):
        assert methods(lambda name=name: storage.exists(name)) == ["HEAD"]
        assert storage.exists(name) is there
    assert methods(lambda: storage.stat("deep/demo")) == ["HEAD"]
    with pytest.raises(KeyNotFoundError):
        storage.stat("deep")


def test_removing_many_is_a_few_requests(asked, fs):
    """Small files cost bulk requests alone, whether they are there or not; a large one is looked at, and goes whole."""
    storage, methods = asked
    names = [f"{n:03d} *[x]?" for n in range(40)]
    for name in names[::2]:
        storage.put(b"", name)
    assert methods(lambda: storage.remove_many(names)) == ["POST"] * 4
    storage.put(b"1", "one")
    assert methods(lambda: storage.remove("one")) == ["DELETE"]
    storage.put(bytes(3 * SEGMENT), "large")
    storage.put(b"", "small")
    storage.remove_many(["large", "small"])
    storage.remove_many(["large", "small"])
    assert list(storage.list()) == fs.find("omics/.segments") == []


def test_what_was_written_elsewhere_is_removed_whole(asked, connect, fs):
    """A storage that has not asked for a while asks once, for any number of files, which of them have segments."""
    storage, methods = asked
    connect(segment_size=SEGMENT).pipe_file("omics/ex/large", bytes(3 * SEGMENT))
    assert methods(lambda: storage.remove_many(["large", *map(str, range(40))]))[0] == "GET"
    assert fs.find("omics/.segments") == fs.find("omics") == []
