"""Reading regions of the files of an object: which file is meant, and where its reference is.

Owns `RegionReading`, a part of `MODO`. Must not know how a region is read.
"""

from collections.abc import Generator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from modos.errors import InvalidInputError, suggestion
from modos.objects.editing.files import data_path
from modos.objects.snapshot import Snapshot
from modos.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa

    from modos.omics import IndexedFile
    from modos.omics.regions.reading import Regions
    from modos.omics.regions.references import Reference

__all__ = ["RegionReading"]


class RegionReading:
    """What an object can read of its genomics files without fetching them whole."""

    _storage: Storage
    _said: Snapshot

    def open_indexed(self, file: str | PurePath) -> "IndexedFile":
        """Read index and header of a file, and keep them as long as the file is the same: regions then cost a request each.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.

        Raises
        ------
        InvalidInputError
            When there is no such file, or files of its format have no regions.
        KeyNotFoundError
            When it has no index.
        IntegrityError
            When the index is damaged or that of another file.
        """
        from modos.omics import open_indexed

        name = self._file(str(file))
        kept: dict[str, IndexedFile] = self.__dict__.setdefault("_indexed", {})
        if name not in kept or kept[name].info != self._storage.stat(name):
            kept[name] = open_indexed(self._storage, name)
        return kept[name]

    def stream_genomics(
        self, file: str | PurePath, region: "Regions" = None, reference: "Reference | None" = None
    ) -> Generator[Any]:
        """Yield the records of a file that overlap regions, as pysam has them.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.
        region
            `chr1:1,000-2,000`, counted from one, the end inclusive; several; `*` for reads without a place; `None` for
            the whole file. Of several, each record comes once, in the order of the file.
        reference
            What a CRAM file was compressed against: an element of the object or its file, a FASTA file on this machine,
            or the address of a refget service. `None` for the element's `has_reference`.

        Raises
        ------
        InvalidInputError
            When there is no such file or contig, or the region cannot be read.
        IntegrityError
            When the file is damaged or does not fit its index or reference.
        """
        return self.open_indexed(file).stream(region, reference=self._reference(str(file), reference))

    def read_region(
        self,
        file: str | PurePath,
        region: "Regions" = None,
        reference: "Reference | None" = None,
        *,
        columns: Sequence[str] | None = None,
    ) -> "pa.Table":
        """Return the records of a file that overlap regions as an Arrow table; `to_pandas()` makes it one of pandas.

        Parameters
        ----------
        file, region, reference
            As for `stream_genomics`.
        columns
            Which columns; `None` for all.

        Raises
        ------
        InvalidInputError
            As for `stream_genomics`, or when there is no such column.
        """
        from modos.omics.tables import table_of

        found = self._reference(str(file), reference)
        return table_of(self.open_indexed(file), region, reference=found, columns=columns)

    def fetch_sequence(self, file: str | PurePath, region: str) -> str:
        """Return the bases of a region of a FASTA file; only they are fetched, and the index.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.
        region
            As for `stream_genomics`.

        Raises
        ------
        InvalidInputError
            When there is no such file or sequence, or the region cannot be read.
        KeyNotFoundError
            When it has no index.
        """
        from modos.omics import fetch_sequence

        return fetch_sequence(self._storage, self._file(str(file)), region)

    def index_file(self, file: str | PurePath, *, csi: bool = False) -> list[str]:
        """Make the index of a file and store it beside it; return the names of the index files.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.
        csi
            Whether to make a CSI where BAI or TBI is usual: contigs longer than 512 Mbp need it.

        Raises
        ------
        InvalidInputError
            When the file cannot have an index as it is.
        """
        from modos.omics import make_index

        self.__dict__.pop("_indexed", None)
        return make_index(self._storage, self._file(str(file)), csi=csi)

    def check_files(self, element: str | None = None) -> list[str]:
        """Return what is wrong with files, a sentence each: content that is not what is said, or an index.

        Reads the beginning of each file, and its index.

        Parameters
        ----------
        element
            Id of the element whose file it is; `None` for all.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        """
        from modos.omics import check_file

        only = None if element is None or element == self._said.id else str(self._said.resolve(element))
        findings = []
        for each, name in self._files().items():
            if only in {None, each}:
                said = self._said.elements[self._said.resolve(each)].get("data_format")
                findings += check_file(self._storage, name, declared=None if said is None else str(said))
        return findings

    def _files(self) -> dict[str, str]:
        """Return each element that has a file, to its name in the object."""
        found = {str(element): data_path(attributes) for element, attributes in self._said.elements.items()}
        return {element: name for element, name in found.items() if name is not None}

    def _file(self, named: str) -> str:
        files = self._files()
        if named in files.values():
            return named
        near = [each for each in files if each in {named, f"{each.partition('/')[0]}/{named}"}]
        if len(near) == 1:
            return files[near[0]]
        known = [*files, *files.values()]
        hint = suggestion(named, known) or f"; there are {', '.join(sorted(files.values())) or 'none'}"
        message = f"{named!r} is several files of the object" if near else f"{named!r} is no file of the object{hint}"
        raise InvalidInputError(message)

    def _reference(self, named: str, reference: "Reference | None") -> "Reference | None":
        """Return where the reference of a file is: as it was named, or as its element links to it."""
        files = self._files()
        if isinstance(reference, str) and (reference in files or reference in files.values()):
            return self._storage, self._file(reference)
        name = self._file(named)
        if reference is not None or not name.lower().endswith(".cram"):
            return reference
        linked = (
            str(link)
            for element, attributes in self._said.elements.items()
            if files.get(str(element)) == name
            for link in _listed(attributes.get("has_reference"))
        )
        for link in linked:
            known = link if link in files else f"reference/{link}"
            if known in files:
                return self._storage, files[known]
        return None


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else [] if value is None else [value]
