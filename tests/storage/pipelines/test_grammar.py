"""The grammar of URL pipelines on text that nobody thought of."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import InvalidInputError, URLPipelineError
from modos.storage.pipelines import canonical_url, check_pipeline, is_pipeline, parse_pipeline, resolve_relative
from modos.storage.pipelines.syntax.escapes import decoded, encoded, respelled

SCHEMES = st.from_regex(r"[A-Za-z][A-Za-z0-9+.-]{0,12}", fullmatch=True)
PRINTABLE = "".join(sorted({*string.printable, "ü", "🧬"} - {*"|#?"}))
BODIES = st.text(PRINTABLE, max_size=20)
QUERIES = st.none() | st.text(f"{PRINTABLE}?", max_size=10)
SEGMENTS = st.tuples(SCHEMES, BODIES, QUERIES)
PIPELINES = st.lists(SEGMENTS, min_size=1, max_size=8)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/\n\r"), min_size=1).filter(
    lambda name: name not in {".", ".."}
)


def written(segments):
    return [f"{scheme}:{body}" + ("" if query is None else f"?{query}") for scheme, body, query in segments]


@given(PIPELINES)
def test_what_is_joined_splits_back_exactly(segments):
    """Schemes come in lower case, all else as it is written, at any depth."""
    pieces = written(segments)
    found = parse_pipeline("|".join(pieces))
    assert [each.raw for each in found] == pieces
    assert [(each.scheme, each.body, each.query) for each in found] == [
        (scheme.lower(), body, query) for scheme, body, query in segments
    ]


@given(PIPELINES, st.integers(0, 8))
def test_an_empty_piece_is_refused_anywhere(segments, position):
    """At the beginning, at the end and in between."""
    pieces = written(segments)
    pieces.insert(position, "")
    with pytest.raises(URLPipelineError, match="empty sub-URL"):
        parse_pipeline("|".join(pieces))


@given(PIPELINES, st.sampled_from("1 @~_%"), SEGMENTS)
def test_a_scheme_that_is_none_is_refused(segments, character, adapter):
    """An adapter that begins with no letter is named in the error."""
    bad = f"{character}{written([adapter])[0]}"
    with pytest.raises(URLPipelineError) as caught:
        parse_pipeline("|".join([*written(segments), bad]))
    assert caught.value.part == bad


@given(PIPELINES, st.integers(0, 7), st.text(PRINTABLE, max_size=5))
def test_a_fragment_is_refused_anywhere(segments, position, text):
    """The message says how `#` is written."""
    pieces = written(segments)
    pieces[min(position, len(pieces) - 1)] += f"#{text}"
    with pytest.raises(URLPipelineError, match="%23"):
        parse_pipeline("|".join(pieces))


@given(PIPELINES)
def test_the_canonical_form_is_its_own(segments):
    """Spelling it again changes nothing, and every scheme and every escape is in it."""
    canonical = canonical_url("|".join(written(segments)))
    assert canonical_url(canonical) == canonical
    assert [each.scheme for each in parse_pipeline(canonical)] == [scheme.lower() for scheme, *_ in segments]


@given(st.text())
def test_any_text_is_parsed_or_refused(text):
    """Nothing but URLPipelineError comes out, and what is parsed is the text again."""
    try:
        segments = parse_pipeline(text)
    except URLPipelineError:
        return
    assert "|".join(map(str, segments)) == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_name_can_be_escaped(text):
    """What is encoded is decoded to the same, and holds no character that would mean something."""
    assert decoded(encoded(text)) == text
    assert not {*encoded(text)} & {*'|#?@[] "<>\\^`{}'}
    assert encoded(text).isascii()
    assert decoded(respelled(encoded(text))) == text


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_any_names_make_an_entry_of_an_archive(names):
    """A path of any names is said by a URL, and is the same when it is read."""
    path = "/".join(names)
    assert check_pipeline(f"file:/x.zip|zip:{encoded(path)}")[1].path == path


@given(st.text(max_size=10))
def test_escapes_are_strict(text):
    """Malformed escapes, and bytes that are not UTF-8, are refused and never guessed."""
    for broken in (f"{text.replace('%', '')}%", f"%g0{text}", f"%ff{text}", f"%C3{text}x"):
        with pytest.raises(InvalidInputError):
            decoded(broken)


@given(st.lists(st.sampled_from(["..", ".", "a", "b", ""]), max_size=6))
def test_no_reference_leaves_the_root(parts):
    """Whatever the dots, the bucket and the archive stay; or the reference is refused."""
    reference = "/".join(parts)
    try:
        found = resolve_relative("s3://omics/a.zip|zip:x/y", reference)
    except URLPipelineError:
        return
    assert found.startswith("s3://omics/a.zip|zip:")
    assert ".." not in found


@pytest.mark.parametrize(
    ("reference", "within", "allowed"),
    [
        ("z", "s3://omics/a.zip|zip:x", True),
        ("../z", "s3://omics/a.zip|zip:x", False),
        ("../xy", "s3://omics/a.zip|zip:x", False),
        ("..:b.zip|zip:", "s3://omics/a.zip|zip:", False),
        ("..:b.zip|zip:", "s3://omics/", True),
        ("memory:x", "s3://omics/", False),
        ("%2e%2e/z", "s3://omics/a.zip|zip:x", False),
        ("|log:", "s3://omics/a.zip|zip:x/y", True),
    ],
)
def test_a_reference_stays_within_a_fence(reference, within, allowed):
    """Whoever follows references of others says how far they may lead."""
    if allowed:
        resolve_relative("s3://omics/a.zip|zip:x/y", reference, within=within)
    else:
        with pytest.raises(URLPipelineError, match="leads out of"):
            resolve_relative("s3://omics/a.zip|zip:x/y", reference, within=within)


def test_paths_are_no_pipelines():
    """Paths of this machine, drives of Windows, network shares and the chains of fsspec are told apart by their text."""
    assert all(map(is_pipeline, ["file:x", "s3://b/x", "S3://b", "memory:", "a|b:"]))
    assert not any(map(is_pipeline, ["x", "./file:x", "C:\\x", "C:/x", "C:.zarr", r"\\host\share", "zip::file:///x"]))


def test_credentials_are_not_shown():
    """An address that holds a password is refused without repeating it."""
    with pytest.raises(URLPipelineError) as caught:
        check_pipeline("https://me:secret@example.org/x|zip:")
    assert "secret" not in str(caught.value)
