"""The plan: what it promises for any two listings."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modos.errors import KeyNotFoundError
from modos.storage import ROOT_DOCUMENT, ObjectInfo
from modos.transfers import Plan, plan_transfer

NAMES = st.sampled_from([ROOT_DOCUMENT, "data.zarr/a/zarr.json", *(f"reads/é {number}" for number in range(8))])
LISTINGS = st.dictionaries(NAMES, st.integers(0, 10)).map(
    lambda sizes: [ObjectInfo(PurePosixPath(name), size=size) for name, size in sizes.items()]
)
COMMITTED = LISTINGS.map(
    lambda infos: (
        [info for info in infos if str(info.path) != ROOT_DOCUMENT] + [ObjectInfo(PurePosixPath(ROOT_DOCUMENT), size=3)]
    )
)
LEFTOVERS = st.sampled_from(["keep", "remove"])


def names(infos) -> set[str]:
    return {str(info.path) for info in infos}


def written(plan: Plan) -> list[ObjectInfo]:
    return [step.file for step in plan.steps if step.action != "remove"]


@given(COMMITTED, LISTINGS, LEFTOVERS)
def test_every_file_of_the_source_is_written_once(source, target, leftovers):
    """Whatever is at the target, each file of the source is written exactly once, and the sums say so."""
    plan = plan_transfer(source, target, leftovers=leftovers)
    assert sorted(written(plan), key=lambda info: info.path) == sorted(source, key=lambda info: info.path)
    assert (plan.files, plan.bytes) == (len(source), sum(info.size for info in source))


@given(COMMITTED, LISTINGS, LEFTOVERS)
def test_the_committing_file_is_written_last(source, target, leftovers):
    """Nothing is written after the file that makes the rest count, and nothing is removed before it."""
    plan = plan_transfer(source, target, leftovers=leftovers)
    assert str(written(plan)[-1].path) == ROOT_DOCUMENT
    actions = [step.action for step in plan.steps]
    assert actions == sorted(actions, key=["create", "replace", "commit", "remove"].index)
    assert actions.count("commit") == 1


@given(COMMITTED, LISTINGS)
def test_new_names_come_before_those_that_replace_something(source, target):
    """A name is created when the target has none such, and replaced when it has; each largest first."""
    plan = plan_transfer(source, target)
    assert names(plan.files_to("create")) == names(source) - names(target) - {ROOT_DOCUMENT}
    assert names(plan.files_to("replace")) == (names(source) & names(target)) - {ROOT_DOCUMENT}
    for action in ("create", "replace"):
        sizes = [info.size for info in plan.files_to(action)]
        assert sizes == sorted(sizes, reverse=True)


@given(COMMITTED, LISTINGS, LEFTOVERS)
def test_only_leftovers_are_removed_and_only_when_asked(source, target, leftovers):
    """What is removed is at the target and not at the source; by default nothing is."""
    removed = names(plan_transfer(source, target, leftovers=leftovers).files_to("remove"))
    assert removed == (names(target) - names(source) if leftovers == "remove" else set())


@given(COMMITTED, LISTINGS, LEFTOVERS, st.randoms())
def test_the_order_of_the_listings_does_not_matter(source, target, leftovers, random):
    """The same two listings give the same plan."""
    expected = plan_transfer(source, target, leftovers=leftovers)
    random.shuffle(source)
    random.shuffle(target)
    assert expected == plan_transfer(source, target, leftovers=leftovers)


@given(COMMITTED, LISTINGS, LEFTOVERS)
def test_a_dry_run_names_every_step(source, target, leftovers):
    """The description has one line for each step, in order, and the sums."""
    plan = plan_transfer(source, target, leftovers=leftovers)
    *lines, sums = plan.describe().splitlines()
    assert [line.split()[0] for line in lines] == [step.action for step in plan.steps]
    assert all(str(step.file.path) in line for step, line in zip(plan.steps, lines, strict=True))
    assert f"{plan.bytes:,} bytes to write" in sums


def test_without_the_committing_file_there_is_no_plan():
    """A source that lacks the file which completes the target is refused, and the file is named."""
    source = [ObjectInfo(PurePosixPath("reads"))]
    with pytest.raises(KeyNotFoundError, match=ROOT_DOCUMENT):
        plan_transfer(source, [])
    assert plan_transfer(source, [], commit=None).files_to("create") == tuple(source)


def test_several_files_complete_a_target_one_after_the_other():
    """In the order in which they are named, behind everything else; only the last must be there."""
    source = [ObjectInfo(PurePosixPath(name)) for name in ("a", ".zgroup", ".zmetadata", "z")]
    commit = (".zmetadata", ".zgroup")
    plan = plan_transfer(source, [ObjectInfo(PurePosixPath("z"), size=1)], commit=commit)
    assert [str(info.path) for info in written(plan)] == ["a", "z", *commit]
    assert [str(info.path) for info in written(plan_transfer(source[:2], [], commit=commit))] == ["a", ".zgroup"]
    with pytest.raises(KeyNotFoundError, match="zgroup"):
        plan_transfer(source[2:], [], commit=commit)


@pytest.mark.parametrize(("leftovers", "removed"), [("keep", {"log/2"}), ("remove", {"log/2", "b", "trash/2"})])
def test_special_directories_have_rules_of_their_own(leftovers, removed):
    """What is left out is not copied, what is mirrored has nothing else; a name that begins alike is another one."""
    source = [ObjectInfo(PurePosixPath(name)) for name in ("a", "log/1", "trash/1", "trash2/1")]
    target = [ObjectInfo(PurePosixPath(name)) for name in ("b", "log/2", "trash/2")]
    special = {"log": "mirrored", "trash": "left out"}
    plan = plan_transfer(source, target, commit=None, leftovers=leftovers, special=special)
    assert names(written(plan)) == {"a", "log/1", "trash2/1"}
    assert names(plan.files_to("remove")) == removed
