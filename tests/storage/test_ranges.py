"""Which bytes are asked for: merging ranges changes the requests and never what is returned."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from modos.storage.ranges import definite_range, merge_ranges

offsets = st.integers(0, 60)
ranges = st.lists(st.tuples(offsets, offsets), max_size=12)


@given(st.binary(max_size=40), ranges, st.integers(0, 20))
def test_merged_ranges_serve_the_wanted_ones(body, wanted, gap):
    """Cut from the merged ranges, every wanted range is the slice of the body, and empty ones need no request."""
    pieces = [b""] * len(wanted)
    for merged in merge_ranges(wanted, gap=gap):
        fetched = body[merged.start : merged.end]
        for position in merged.wanted:
            start, end = wanted[position]
            pieces[position] = fetched[start - merged.start : end - merged.start]
    assert pieces == [body[start:end] for start, end in wanted]


@given(ranges, st.integers(0, 20))
def test_merged_ranges_are_few(wanted, gap):
    """They come in order, more than the gap apart, and none begins or ends where nothing was wanted."""
    merged = list(merge_ranges(wanted, gap=gap))
    assert all(before.end + gap < after.start for before, after in pairwise(merged))
    assert {each.start for each in merged} <= {start for start, _ in wanted}
    assert {each.end for each in merged} <= {end for _, end in wanted}
    served = sorted(position for each in merged for position in each.wanted)
    assert served == [position for position, (start, end) in enumerate(wanted) if start < end]


@given(st.integers(-50, 50) | st.none(), st.integers(-50, 50) | st.none(), st.binary(max_size=30))
def test_a_definite_range_is_a_slice(start, end, body):
    """Negative and missing borders mean what they mean in Python, within the body."""
    first, last = definite_range(start, end, len(body))
    assert 0 <= first <= last <= len(body)
    assert body[first:last] == body[start:end]
