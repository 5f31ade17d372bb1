"""What others do at either end while a transfer is under way."""

import pytest

from modos.errors import IntegrityError, KeyChangedError, KeyExistsError, KeyNotFoundError
from modos.storage import ROOT_DOCUMENT, LocalStorage
from modos.transfers import transfer

NEWER = b'{"root": 2}'


class Edited(LocalStorage):
    """A directory that is edited in the middle of its first listing, where that has come to the hierarchy."""

    is_due = True

    def _scan(self, name, *, recursive):
        for info in super()._scan(name, recursive=recursive):
            if recursive and self.is_due and str(info.path) > "data.zarr":
                self.is_due = False
                self.put(b"ACGT", "calls.txt")
                self.put(NEWER, ROOT_DOCUMENT)
            yield info


def test_an_edit_while_the_source_is_listed_is_seen(here, there, fill, content, small):
    """The new committing file names a file that is where the listing had been already: a copy would lack it."""
    fill(here, small)
    source = Edited(here.path)
    with pytest.raises(IntegrityError, match=f"{ROOT_DOCUMENT}: the source was edited"):
        transfer(source, there)
    assert there.empty()
    transfer(source, there)
    assert content(there) == {**small, "calls.txt": b"ACGT", ROOT_DOCUMENT: NEWER}


@pytest.mark.parametrize("kind", ["local", "s3", "swift"])
@pytest.mark.parametrize("edit", ["edited", "removed"])
def test_a_copy_that_is_edited_while_it_is_to_be_replaced_stays(  # noqa: PLR0917 - fixtures
    places, here, fill, content, small, kind, edit
):
    """What others have made of it in the meantime is not lost; new files have come, and nothing was replaced."""
    there, old = places.make(kind), {**small, "reads/demo1.cram": b"older", ROOT_DOCUMENT: b'{"root": 0}'}
    fill(here, {**small, "new.txt": b"new"})
    fill(there, old)

    def meanwhile(progress):
        if progress.current == "new.txt" and edit == "edited":
            there.put(NEWER, ROOT_DOCUMENT)
        elif progress.current == "new.txt":
            there.remove(ROOT_DOCUMENT)

    with pytest.raises(KeyChangedError, match=f"{ROOT_DOCUMENT}: what is here was edited while it was to be replaced"):
        transfer(here, there, progress=meanwhile)
    left = {**old, "new.txt": b"new", ROOT_DOCUMENT: NEWER}
    assert content(there) == {name: body for name, body in left.items() if edit == "edited" or name != ROOT_DOCUMENT}
    transfer(here, there)
    assert content(there) == {**small, "new.txt": b"new"}


@pytest.mark.parametrize(
    "pair", [("local", "local"), ("local", "s3"), ("local", "swift"), ("swift", "swift")], ids="-to-".join
)
@pytest.mark.parametrize("is_same", [False, True], ids=["another", "the same"])
def test_what_others_complete_at_a_new_place_meanwhile_is_not_replaced(  # noqa: PLR0917 - fixtures
    places, fill, content, small, pair, is_same
):
    """Two who copy different objects to one place: one of them is told so. Who copies the same finds it done."""
    source, target = map(places.make, pair)
    fill(source, small)
    theirs = small[ROOT_DOCUMENT] if is_same else NEWER

    def meanwhile(progress):
        if progress.files_done == len(small) - 1 and not target.exists(ROOT_DOCUMENT):
            target.put(theirs, ROOT_DOCUMENT)

    if is_same:
        transfer(source, target, progress=meanwhile)
    else:
        with pytest.raises(KeyExistsError, match=f"{ROOT_DOCUMENT}: something else was completed here"):
            transfer(source, target, progress=meanwhile)
    assert content(target) == {**small, ROOT_DOCUMENT: theirs}


def test_a_copy_of_which_files_are_removed_meanwhile_is_not_completed(here, there, fill, content, small):
    """A disk takes the others all the same: the error names one that is gone, and the same transfer again brings it."""
    fill(here, small)

    def meanwhile(progress):
        if progress.current == "reads/demo1.cram.crai":
            there.remove_tree("reads")

    with pytest.raises(KeyNotFoundError, match=r"reads/demo1.cram(.crai)?: this was removed while others were copied"):
        transfer(here, there, workers=1, progress=meanwhile)
    assert not there.exists(ROOT_DOCUMENT)
    transfer(here, there)
    assert content(there) == small
