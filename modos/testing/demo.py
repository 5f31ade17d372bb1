"""The main job from beginning to end, on simulated data and a real OpenStack Swift: `run_demo`.

Owns the steps and what is said at each. Must not know how what is said looks, or anything that a user could not do.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modos._lazy import require
from modos.errors import IntegrityError, InvalidInputError

if TYPE_CHECKING:
    from modos import MODO, Storage
    from modos.testing import SwiftServer
    from modos.testing.samples import SampleFiles
    from modos.transfers import Progress

__all__ = ["Kind", "run_demo"]

type Kind = Literal["step", "code", "shown"]
"""What is said: what comes now, the Python that does it, or what that shows. Each may have several lines."""

type Say = Callable[[Kind, str], None]

_NEEDED = ("pysam", "aiohttp", "swift")
_CONTAINER = "omics"


def run_demo(directory: Path, say: Say, *, progress: "Callable[[Progress], None] | None" = None) -> None:
    """Make an object from sample files, move it to a Swift that is started for it, and read it there.

    Parameters
    ----------
    directory
        Where to put `samples` and the object `demo`; made if it is not there, and must be empty.
    say
        Told each step in words, the Python that does it, and what that shows.
    progress
        Told how far the transfer is; `None` for nobody.

    Raises
    ------
    MissingDependencyError
        When a package is not installed; nothing has then been written.
    InvalidInputError
        When the directory is not empty.
    IntegrityError
        When anything that was read back is not what was stored.

    Examples
    --------
    >>> run_demo(Path("a"), lambda kind, text: print(text))  # doctest: +SKIP
    """
    for module in _NEEDED:
        require(module, extra="all,swift-server", purpose="the demonstration")
    from modos.testing import SwiftServer
    from modos.testing.samples import write_samples

    if directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        message = f"{directory} is not an empty directory, which the demonstration wants"
        raise InvalidInputError(message)
    say("step", "Sample files: a small study of four donors, simulated, in the formats that sequencers and labs give")
    say("code", 'files = write_samples(Path("samples"))')
    files = write_samples(directory / "samples")
    say("shown", _listing(files))
    modo = _create(files, directory / "demo", say)
    counts = _add_counts(modo, files, say)
    _look(modo, say)
    say("step", "A real OpenStack Swift, started here for as long as this takes, and a container in it")
    with SwiftServer(scratch=directory) as server:
        storage = _container(server, say)
        _move(modo, storage, say, progress)
        remote = _open(modo, storage, say)
        _read(remote, counts, files, say)
        _compare(modo, remote, say)


def _create(files: "SampleFiles", place: Path, say: Say) -> "MODO":
    from modos import MODO

    say("step", "A digital object on this disk, from a description in YAML that names the files")
    say("shown", _head(files.description.read_text(encoding="utf-8"), lines=4))
    say("code", 'modo = MODO.from_file("samples/modo.yaml", "demo")')
    modo = MODO.from_file(files.description, place)
    kinds = [key.partition("/")[0] for key in modo.metadata if "/" in key]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    say("shown", f"{len(kinds)} elements ({counted}) and {len(modo.list_files())} files, indexes included")
    return modo


def _add_counts(modo: "MODO", files: "SampleFiles", say: Say) -> "list[list[int]]":
    say("step", "The count matrix a second time, as an array that can be read in parts, from anywhere")
    rows = [line.split("\t")[1:] for line in files.counts.read_text(encoding="utf-8").splitlines()[1:]]
    counts = [[int(value) for value in row] for row in rows]
    say("code", 'modo.add_array("counts", counts)')
    modo.add_array("counts", counts)
    say("shown", modo.list_arrays("counts"))
    return counts


def _look(modo: "MODO", say: Say) -> None:
    say("step", "What the object says: of one element, and as a tree of all")
    say("code", 'print(modo.show_contents("donor1_reads"))')
    say("shown", modo.show_contents("donor1_reads").rstrip())
    say("code", "print(modo.list_arrays())")
    say("shown", modo.list_arrays())


def _container(server: "SwiftServer", say: Say) -> "Storage":
    from modos import SwiftStorage

    say("code", f'storage = SwiftStorage("swift://{_CONTAINER}", storage_url="{server.storage_url}", token="…")')
    say("code", f'storage.filesystem.mkdir("{_CONTAINER}")')
    storage = SwiftStorage(f"swift://{_CONTAINER}", storage_url=server.storage_url, token=server.token())
    storage.filesystem.mkdir(_CONTAINER)
    say("shown", f"{server.storage_url} answers; a URL and a token are all it takes, no login")
    return storage


def _move(modo: "MODO", storage: "Storage", say: Say, progress: "Callable[[Progress], None] | None") -> None:
    from modos import list_modos

    say("step", "The object copied from this disk to Swift, its root last: it is seen there only when it is whole")
    say("code", 'modo.transfer(storage / "demo")')
    report = modo.transfer(storage / "demo", progress=progress)
    say("shown", f"{report.files} files, {report.bytes:,} bytes in {report.seconds:.1f} s, every one verified")
    say("step", "Which objects the container holds, without walking through their files")
    say("code", "for found in list_modos(storage):\n    print(found.url)")
    found = [each.url for each in list_modos(storage)]
    say("shown", "\n".join(found))
    _hold(storage, "the object is not found, or not it alone", found == [f"{storage.url}/demo"])


def _open(modo: "MODO", storage: "Storage", say: Say) -> "MODO":
    from modos import MODO

    say("step", "The object opened where it is now: one request for all metadata")
    say("code", 'remote = MODO("demo", storage=storage)\nremote.metadata == modo.metadata')
    remote = MODO("demo", storage=storage)
    _hold(remote.storage, "the metadata is not what was sent", remote.metadata == modo.metadata)
    women = [each for each in remote.list_samples() if remote.metadata[each]["sex"] == "Female"]
    say("shown", f"True: the same {len(remote.metadata)} entries; {', '.join(women)} are women")
    return remote


def _read(remote: "MODO", counts: Sequence[Sequence[int]], files: "SampleFiles", say: Say) -> None:
    say("step", "Arrays and files read from Swift, by the parts that are wanted")
    say("code", 'remote.zarr["data/counts/data"][-1]')
    array: Any = remote.zarr["data/counts/data"]
    _hold(remote.storage, "the array is not what was stored", array[:].tolist() == counts)
    gene = files.counts.read_text(encoding="utf-8").splitlines()[-1].partition("\t")[0]
    say("shown", f"{array[-1].tolist()}: {gene}, which is read in women only")
    say("code", 'with remote.storage.open("metabolites.mztab") as file:\n    print(file.read(400).decode())')
    with remote.storage.open(files.metabolites.name) as file:
        start = file.read(400)
    _hold(remote.storage, "a file is not what was stored", files.metabolites.read_bytes().startswith(start))
    say("shown", _head(start.decode(), lines=4))


def _compare(modo: "MODO", remote: "MODO", say: Say) -> None:
    say("step", "What arrived is what left: one checksum over all names and contents, on either side")
    say("code", "modo.checksum() == remote.checksum()")
    left, arrived = modo.checksum(), remote.checksum()
    _hold(remote.storage, f"the checksum is {arrived} where {left} left", left == arrived)
    say("shown", f"True: {left[:32]}… (BLAKE2b) on this disk and in Swift")


def _hold(storage: "Storage", otherwise: str, what: bool) -> None:  # noqa: FBT001 - a statement, as in assert
    if not what:
        raise IntegrityError(storage.url, otherwise)


def _listing(files: "SampleFiles") -> str:
    """Return names and sizes of the sample files."""
    paths = sorted(files.description.parent.iterdir())
    return "\n".join(f"{path.name:<20} {path.stat().st_size:>9,} bytes" for path in paths)


def _head(text: str, *, lines: int) -> str:
    first = [line if len(line) < _WIDE else f"{line[: _WIDE - 1]}…" for line in text.splitlines()[:lines]]
    return "\n".join([*first, "…"])


_WIDE = 110
