"""Which names may be used: targets, S3 buckets and keys, Swift containers and objects."""

import time
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from modos.errors import InvalidPathError, InvalidURLError
from modos.storage import S3Path, SwiftPath, Target
from modos.storage.paths import bucket_name, container_name, object_name, target_name

parts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20).filter(
    lambda part: part not in {".", ".."}
)
keys = st.lists(parts, min_size=1, max_size=5).map("/".join).filter(lambda key: len(key.encode()) <= 500)
buckets = st.from_regex(r"\A[a-z][a-z0-9-]{1,40}[a-z0-9]\Z").filter(
    lambda name: (
        not name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        and not name.endswith(("-s3alias", "--ol-s3", "--x-s3", "--table-s3"))
    )
)
containers = parts.filter(lambda name: len(name.encode()) <= 256)

PATHOLOGICAL = {
    "one letter": "a" * 1_000_000,
    "slashes": "/" * 1_000_000,
    "dots": "." * 1_000_000,
    "dots and slashes": "../" * 333_334,
    "single parts": "a/" * 500_000,
    "digits and dots": "1." * 500_000,
    "hyphens": "a-" * 500_000,
    "unicode": "🧬" * 1_000_000,
    "spaces": " " * 1_000_000,
    "almost a url": "s3:" * 333_334,
    "nearly an address": "swift+https://" + "h:@" * 333_334,
}


class TestTarget:
    """Targets in a storage."""

    @given(keys)
    @example("demo 1+2=3.cram")
    @example("Größe/日本.txt")
    def test_any_text_in_parts_is_a_target(self, key):
        """Whatever has no empty part, `.`, `..` or NUL is taken as it is, as text and as a path."""
        assert target_name(key) == key
        assert target_name(PurePosixPath(key)) == key

    @given(parts, st.sampled_from(["", ".", ".."]), parts)
    def test_a_part_that_is_no_name_is_refused(self, before, part, after):
        """Empty parts, `.` and `..` are refused wherever they stand."""
        for name in (f"{before}/{part}/{after}", f"{part}/{after}", f"{before}/{part}"):
            with pytest.raises(InvalidPathError):
                target_name(name)

    def test_the_pydantic_type_takes_text_and_paths(self):
        """`Target` in a model validates like `target_name` and names the reason."""
        adapter = TypeAdapter(Target)
        assert adapter.validate_python(PurePosixPath("a/b")) == "a/b"
        with pytest.raises(ValidationError, match=r"has a part '\.\.'"):
            adapter.validate_python("a/../b")

    @pytest.mark.parametrize("text", PATHOLOGICAL.values(), ids=PATHOLOGICAL)
    def test_pathological_text_is_judged_in_linear_time(self, text):
        """A million characters take every validator less than half a second, with a short message."""
        validators = (
            target_name,
            object_name,
            bucket_name,
            container_name,
            S3Path.parse,
            SwiftPath.parse,
            lambda name: S3Path.parse(f"s3://{name}"),
            lambda name: S3Path.parse(f"s3://bucket/{name}"),
            lambda name: SwiftPath.parse(f"swift://{name}"),
            lambda name: SwiftPath.parse(f"swift+https://{name}"),
        )
        for validate in validators:
            begin = time.process_time()
            try:
                validate(text)
            except InvalidPathError as error:
                assert len(str(error)) < 1000  # noqa: PT017 - some are names that a target may have
            assert time.process_time() - begin < 0.5


class TestBucket:
    """AWS: general purpose bucket naming rules."""

    @pytest.mark.parametrize(
        "name", ["abc", "a1b", "0ab", "my-bucket-1", "my.bucket", "a" * 63, "1.2.3.4.5", "192.168.5", "a-.b", "xn-a"]
    )
    def test_a_name_by_the_rules_is_taken(self, name):
        """3 to 63 lower-case letters, digits, dots and hyphens."""
        assert bucket_name(name) == name

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("", "3 to 63"),
            ("ab", "3 to 63"),
            ("a" * 64, "3 to 63"),
            ("Omics", "lower-case"),
            ("my_bucket", "lower-case"),
            ("my bucket", "lower-case"),
            ("bücket", "lower-case"),
            ("bucket\n", "lower-case"),
            ("١٢٣", "lower-case"),
            ("-bucket", "first and last"),
            ("bucket-", "first and last"),
            (".bucket", "first and last"),
            ("bucket.", "first and last"),
            ("my..bucket", "two dots"),
            ("192.168.5.4", "IP address"),
            ("xn--bucket", "reserved"),
            ("sthree-bucket", "reserved"),
            ("sthree-configurator", "reserved"),
            ("amzn-s3-demo-bucket", "reserved"),
            ("bucket-s3alias", "reserved"),
            ("bucket--ol-s3", "reserved"),
            ("bucket.mrap", "reserved"),
            ("bucket--x-s3", "reserved"),
            ("bucket--table-s3", "reserved"),
        ],
    )
    def test_a_broken_rule_is_named(self, name, reason):
        """The message tells which rule the name breaks."""
        with pytest.raises(InvalidPathError, match=reason):
            bucket_name(name)
        with pytest.raises(InvalidURLError, match=reason):
            S3Path.parse(f"s3://{name}")


class TestS3Path:
    """`s3://bucket/key`."""

    @given(buckets, st.one_of(st.just(""), keys))
    def test_an_address_is_read_as_it_was_written(self, bucket, key):
        """Bucket and key survive the way to an address and back, whatever the key holds."""
        path = S3Path(bucket=bucket, key=key)
        assert S3Path.parse(path.url) == S3Path(path.url) == path
        assert (path.bucket, path.key) == (bucket, key)

    @given(buckets, keys, parts)
    def test_a_path_grows(self, bucket, key, part):
        """`/` appends a target, and a slash at the end of an address means nothing."""
        path = S3Path(bucket=bucket, key=key)
        assert (path / part).key == f"{key}/{part}"
        if not key.endswith("/"):
            assert S3Path.parse(f"{path.url}/") == path

    @pytest.mark.parametrize(
        "url",
        ["", "s3:/", "s3://", "bucket/key", "S4://bucket", "https://bucket", "s3://bucket//key", "s3://bucket/../key"],
    )
    def test_what_is_no_address_is_refused(self, url):
        """Other schemes, no bucket, and keys with empty parts or `..` are InvalidURLError, which is a ValueError."""
        with pytest.raises(InvalidURLError):
            S3Path.parse(url)

    def test_keys_have_at_most_1024_bytes(self):
        """Bytes of UTF-8 count, not characters."""
        assert S3Path(bucket="bucket", key="ü" * 512).key == "ü" * 512
        for key in ("k" * 1025, "ü" * 513):
            with pytest.raises(ValidationError, match="1,024 bytes"):
                S3Path(bucket="bucket", key=key)


class TestSwiftPath:
    """`swift://container/object`, and the form with the account's address."""

    @given(containers, st.one_of(st.just(""), keys))
    def test_an_address_is_read_as_it_was_written(self, container, key):
        """Container and object survive the way to an address and back, with and without the account's address."""
        for storage_url in (None, "https://swift.example.org:8080/v1/AUTH_lab", "http://127.0.0.1/v1/AUTH_a.b-c"):
            path = SwiftPath(container=container, key=key, storage_url=storage_url)
            assert SwiftPath.parse(path.url) == path
            assert (path.container, path.key, path.storage_url) == (container, key, storage_url)

    @pytest.mark.parametrize("name", ["c", "My Container", "ünï", "a+b=c", "%", "c" * 256, "ü" * 128, "..."])
    def test_container_names(self, name):
        """Up to 256 bytes of anything but a slash."""
        assert container_name(name) == name

    @pytest.mark.parametrize("name", ["", "a/b", "c" * 257, "ü" * 129, "nul\0", "\ud800", ".", ".."])
    def test_names_that_no_container_has(self, name):
        """Empty, with a slash, too long in bytes, NUL, no Unicode, or a step in a path."""
        with pytest.raises(InvalidPathError):
            container_name(name)

    def test_object_names_have_at_most_1024_bytes(self):
        """Bytes of UTF-8 count, not characters."""
        assert object_name("ü" * 512)
        for name in ("n" * 1025, "ü" * 513):
            with pytest.raises(InvalidPathError, match="1,024 bytes"):
                object_name(name)

    @pytest.mark.parametrize(
        "url",
        [
            "swift:/omics",
            "swift://",
            "s3://omics",
            "swift+https://host",
            "swift+https://host/v1",
            "swift+https://host/v1/AUTH_lab",
            "swift+https:///v1/AUTH_lab/omics",
            "swift+ftp://host/v1/AUTH_lab/omics",
        ],
    )
    def test_what_is_no_address_is_refused(self, url):
        """Other schemes, no container, and an account's address that lacks a part."""
        with pytest.raises(InvalidURLError):
            SwiftPath.parse(url)

    def test_credentials_in_an_address_are_refused_and_not_shown(self):
        """A user and key before the host are refused, and the message does not repeat them."""
        with pytest.raises(InvalidURLError, match="credentials") as caught:
            SwiftPath.parse("swift+https://user:secret@host/v1/AUTH_lab/omics")
        assert "secret" not in f"{caught.value} {caught.value.path}"
