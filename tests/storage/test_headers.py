"""Metadata as headers of S3: whatever they say comes back, and what others have written is understood."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modos.storage.headers import from_headers, in_headers


@given(st.dictionaries(st.text("abcé_%- ", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))))
@example({"x": "=?UTF-8?B?YQ==?="})
@example({"x": "é" * 1000})
def test_any_metadata_survives_the_headers(metadata):
    """Headers carry them in printable ASCII, in words of at most 75 characters where they are encoded."""
    headers = in_headers(metadata)
    assert all(
        f"{name}{value}".isascii() and value.isprintable() and value == value.strip() for name, value in headers.items()
    )
    words = [word for value in headers.values() for word in value.split(" ") if word.startswith("=?")]
    assert all(len(word) <= 75 for word in words)
    assert from_headers(headers) == metadata


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("=?UTF-8?Q?Gen=C3=A8ve?=", "Genève"),
        ("=?iso-8859-1?q?Gen=E8ve?=", "Genève"),
        ("=?UTF-8?B?R2Vu?= =?UTF-8?B?w6h2ZQ==?=", "Genève"),
        ("in =?UTF-8?Q?Z=C3=BCrich?=", "in Zürich"),
        ("=?klingon?Q?a?=", "=?klingon?Q?a?="),
        ("=?UTF-8?B?a?=", "=?UTF-8?B?a?="),
        ("50 % =? 100 ?=", "50 % =? 100 ?="),
    ],
)
def test_what_others_have_encoded_is_understood(told, meant):
    """Either of the encodings of RFC 2047; what cannot be read stays as it is."""
    assert from_headers({"x": told}) == {"x": meant}
