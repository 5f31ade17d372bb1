import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import InvalidElementError
from modos.model import (
    ELEMENT_KINDS,
    LINK_SLOTS,
    ElementId,
    Link,
    link_slot_for,
    links_of,
    normalise_links,
    with_link,
    without_links_to,
)

names = st.sampled_from(["x", "y", "z 1", "BA000007.3_bd7522"])


def forms(kind):
    """Return a strategy for links as people and programs write them: bare or full, alone or in lists."""
    one = st.builds(lambda name, full: f"{kind}/{name}" if full else name, names, st.booleans())
    return st.one_of(one, st.lists(one, max_size=4), st.none())


attributes = st.fixed_dictionaries(
    {"@type": st.just("Assay"), "name": names}, optional={slot: forms(kind) for slot, kind in LINK_SLOTS.items()}
)


def test_link_slots():
    """Each link slot points to one kind of element."""
    assert dict(LINK_SLOTS) == {
        "has_assay": "assay",
        "has_data": "data",
        "has_reference": "reference",
        "has_sample": "sample",
        "has_sequence": "sequence",
    }


@given(attributes)
def test_normalised_links_are_the_same_links(found):
    """Completing links changes their form only: full ids, in lists, each once; twice is as good as once."""
    complete = normalise_links(found)
    assert set(links_of(complete)) == set(links_of(found))
    assert normalise_links(complete) == complete
    for slot in LINK_SLOTS.keys() & complete.keys():
        assert complete[slot]
        assert all(str(ElementId.parse(text)) == text for text in complete[slot])


@given(attributes, st.sampled_from(ELEMENT_KINDS), names)
def test_removed_links(found, kind, name):
    """Removing the links to an element removes those in either form and nothing else."""
    target = ElementId(kind, name)
    left = without_links_to(found, target)
    assert [link for link in links_of(found) if link.target != target] == links_of(left)
    assert left["name"] == found["name"]
    assert list(left) == [key for key in found if key in left]


def test_equal_text_elsewhere_stays():
    """Only link slots of the right kind lose the id; the same text as a name or another kind of link stays."""
    stored = {
        "@type": "Assay",
        "name": "x",
        "description": "sample/x",
        "has_data": "x",
        "has_sample": ["x", "sample/x"],
    }
    assert without_links_to(stored, ElementId("sample", "x")) == {
        "@type": "Assay",
        "name": "x",
        "description": "sample/x",
        "has_data": "x",
    }


def test_untouched_links_stay_as_written():
    """Links to other elements keep their form, damaged ones too."""
    stored = {"@type": "Assay", "has_sample": "y", "has_data": ["no/such/kind"]}
    assert without_links_to(stored, ElementId("sample", "x")) == stored
    assert without_links_to(stored, ElementId("data", "x")) == stored


def test_order_of_links():
    """Links come in the order of their slots, then as written."""
    found = links_of({"has_sample": ["b", "a"], "has_assay": "assay/c"})
    assert found == [
        Link("has_assay", ElementId("assay", "c")),
        Link("has_sample", ElementId("sample", "b")),
        Link("has_sample", ElementId("sample", "a")),
    ]


@pytest.mark.parametrize("link", ["assay/x", "foo/x", "sample/", "", "..", "sample/a/b", 3, {"id": "x"}])
def test_wrong_links(link):
    """A full id of another kind, and what can be no id, is no link."""
    for function in (links_of, normalise_links):
        with pytest.raises(InvalidElementError, match="has_sample") as caught:
            function({"has_sample": [link]})
        assert caught.value.slot == "has_sample"


def test_added_link():
    """A link is added once, at the end, whatever form the others have."""
    target = ElementId("sample", "x")
    assert with_link({}, "has_sample", target) == {"has_sample": ["sample/x"]}
    assert with_link({"has_sample": "y"}, "has_sample", target) == {"has_sample": ["y", "sample/x"]}
    assert with_link({"has_sample": "x"}, "has_sample", target) == {"has_sample": ["x"]}
    with pytest.raises(InvalidElementError, match="has_assay"):
        with_link({}, "has_assay", target)


@pytest.mark.parametrize(
    ("owner", "kind", "slot"),
    [
        ("MODO", "assay", "has_assay"),
        ("Assay", "sample", "has_sample"),
        ("Assay", "data", "has_data"),
        ("DataEntity", "reference", "has_reference"),
        ("AlignmentSet", "sample", "has_sample"),
        ("ReferenceGenome", "sequence", "has_sequence"),
    ],
)
def test_part_of(owner, kind, slot):
    """The slot that a new part is entered in follows from the class and the kind."""
    assert link_slot_for(owner, kind) == slot


@pytest.mark.parametrize(
    ("owner", "kind"), [("Sample", "assay"), ("MODO", "sample"), ("Smaple", "assay"), ("Assay", "x")]
)
def test_no_part_of(owner, kind):
    """A class without such a slot says what it may have."""
    with pytest.raises(InvalidElementError):
        link_slot_for(owner, kind)
