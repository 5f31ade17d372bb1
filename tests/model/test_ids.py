import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import InvalidElementError
from modos.model import ELEMENT_KINDS, ElementId, kind_of

names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="/\\"), min_size=1)


@given(kind=st.sampled_from(ELEMENT_KINDS), name=names)
def test_round_trip(kind, name):
    """A name either makes an id that is read back from its text, or is refused; nothing in between."""
    refused = None
    try:
        id_ = ElementId(kind, name)
    except InvalidElementError as error:
        refused = error.value
    if refused is None:
        assert ElementId.parse(str(id_)) == id_
        assert id_.group.parts == (kind, name)
        assert pickle.loads(pickle.dumps(id_)) == id_
    else:
        assert refused == name


@pytest.mark.parametrize(
    "name", ["BA000007.3_bd7522", "two words", "a+b", "chr1:1-2", "früh", "試料", ".hidden", "a..b", "x" * 255]
)
def test_ordinary_names(name):
    """Spaces, plus signs, colons, dots and letters of any script are fine in an id."""
    assert str(ElementId("sample", name)) == f"sample/{name}"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "...",
        "a/b",
        "/a",
        "a\\b",
        "a\0b",
        "a\nb",
        "\x7f",
        "\x85",
        "\u2028",
        "\ud800",
        "x" * 256,
        "é" * 128,
        "zarr.json",
        "ZARR.json",
        ".zgroup",
        ".zarray",
        ".zattrs",
        ".zmetadata",
        "__x",
        1,
        None,
    ],
)
def test_refused_names(name):
    """What cannot be, or must not be, the name of a zarr group is refused as the slot `id`."""
    with pytest.raises(InvalidElementError, match=r"^id ") as caught:
        ElementId("sample", name)
    assert (caught.value.slot, caught.value.value) == ("id", name)


@pytest.mark.parametrize("text", ["sample1", "samples/x", "", "/x", "sample", "sample/", "sample/a/b", "sample/.."])
def test_parse_wants_full_ids(text):
    """Only `kind/name` is a full id."""
    with pytest.raises(InvalidElementError):
        ElementId.parse(text)


def test_close_kind_is_suggested():
    """A misspelt kind is answered with the one that was meant."""
    with pytest.raises(InvalidElementError, match="did you mean 'sample'"):
        ElementId.parse("sampel/x")


def test_order():
    """Ids sort by kind, then by name."""
    ids = [ElementId("sample", "a"), ElementId("assay", "b"), ElementId("assay", "a")]
    assert [str(id_) for id_ in sorted(ids)] == ["assay/a", "assay/b", "sample/a"]


def test_unknown_kind():
    """A kind that no element has is refused."""
    with pytest.raises(InvalidElementError) as caught:
        ElementId("protein", "x")
    assert caught.value.allowed == ELEMENT_KINDS


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Assay", "assay"),
        ("DataEntity", "data"),
        ("AlignmentSet", "data"),
        ("VariantSet", "data"),
        ("MassSpectrometryResults", "data"),
        ("Array", "data"),
        ("ReferenceGenome", "reference"),
        ("Sample", "sample"),
        ("ReferenceSequence", "sequence"),
    ],
)
def test_kind_of(name, kind):
    """Each class of elements has its folder, subclasses that of their parent."""
    assert kind_of(name) == kind


@pytest.mark.parametrize("name", ["MODO", "NamedThing", "MODOCollection", "Smaple", ""])
def test_no_kind(name):
    """The object itself and what cannot be written down have no kind."""
    with pytest.raises(InvalidElementError):
        kind_of(name)


def test_long_names_are_shown_short():
    """An error stays short however long the name is."""
    with pytest.raises(InvalidElementError) as caught:
        ElementId("sample", "x" * 100_000)
    assert len(str(caught.value)) < 300
