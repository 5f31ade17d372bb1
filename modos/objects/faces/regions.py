"""Reading regions of the files of an object: which file is meant, and where its reference is.

Owns `RegionReading`, a part of `MODO`. Must not know how a region is read.
"""

from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from modos.errors import InvalidInputError, KeyNotFoundError
from modos.model import ElementId
from modos.model.links import link_names
from modos.objects.faces.reading import Reading

if TYPE_CHECKING:
    import pyarrow as pa

    from modos.omics import IndexedFile
    from modos.omics.regions.reading import Regions
    from modos.omics.regions.references import Reference

__all__ = ["RegionReading"]


class RegionReading(Reading):
    """What an object can read of its genomics files without fetching them whole."""

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

        files, name = self._readable(), self._file(str(file))
        kept: dict[str, IndexedFile] = self.__dict__.setdefault("_indexed", {})
        if name not in kept or kept[name].storage != files or kept[name].info != files.stat(name):
            kept[name] = open_indexed(files, name)
        return kept[name]

    def open_genomics(
        self, file: str | PurePath, *, reference: "Reference | None" = None, expires_in: float = 3600
    ) -> Any:  # noqa: ANN401 - pysam ships no types
        """Open a file with pysam over an address that the service signs, for tools that want a file of pysam.

        `stream_genomics` asks for less, reads encrypted files, and needs no signature.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.
        reference
            What a CRAM file was compressed against: an element of the object or its file, or a FASTA file on this machine.
            `None` for the element's `has_reference`.
        expires_in
            Seconds until the address ends; of CRAM, only closing the file tells when that was before all was read.

        Returns
        -------
        pysam.AlignmentFile, pysam.VariantFile, pysam.FastaFile or pysam.TabixFile
            To be closed; its index files, copied to this machine, go with it.

        Raises
        ------
        InvalidInputError
            When there is no such file, it is encrypted, or the service signs no addresses.
        KeyNotFoundError
            When it has no index.
        """
        from modos.omics import open_live

        name = self._file(str(file))
        if name not in self._stored_files().values():
            url = self._readable().url_of(name)
            message = f"{url} is encrypted, which pysam cannot read over an address; use stream_genomics or read_region"
            raise InvalidInputError(message)
        found = self._reference(name, reference)
        return open_live(self._storage, name, reference=found, expires_in=expires_in)

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
        from modos.omics.records import table_of

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

        return fetch_sequence(self._readable(), self._file(str(file)), region)

    def index_file(self, file: str | PurePath, *, csi: bool = False) -> list[str]:
        """Make the index of a file and store it beside it, in place of any that is there; return the names of the index files.

        Parameters
        ----------
        file
            Id of an element that has one, or its name in the object.
        csi
            Whether to make a CSI where BAI or TBI is usual; contigs longer than 512 Mbp get one anyway.

        Raises
        ------
        InvalidInputError
            When the file cannot have an index as it is.
        """
        from modos.omics import make_index

        name = self._file(str(file))
        if name not in self._stored_files().values():
            message = (
                f"{self._readable().url_of(name)} is encrypted, and its index would be made of a plain copy on a disk; "
            )
            raise InvalidInputError(message + "decrypt it, make the index, and encrypt both")
        self._forget_files()
        return make_index(self._storage, name, csi=csi)

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
        for each, name in self._stored_files().items():
            if only in {None, each}:
                said = self._said.elements[self._said.resolve(each)].get("data_format")
                with suppress(KeyNotFoundError):  # of a directory, which has no format; what is missing, `check` tells
                    findings += check_file(self._storage, name, declared=None if said is None else str(said))
        return findings

    def _reference(self, named: str, reference: "Reference | None") -> "Reference | None":
        """Return where the reference of a file is: as it was named, or as its element links to it."""
        files = self._files()
        if isinstance(reference, str):
            with suppress(InvalidInputError):  # it is a path, or an address
                return self._described(self._file(reference))
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
                return self._described(files[known])
        return None

    def _described(self, name: str) -> "Reference":
        """Return a FASTA file of the object with the MD5s that it records of the sequences in it."""
        from modos.omics.refget.scanning import md5_or_none
        from modos.omics.regions.references import Described

        elements, files = self._said.elements, self._files()
        sequences = (
            elements.get(ElementId("sequence", each), {})
            for element, attributes in elements.items()
            if files.get(str(element)) == name
            for kind, each in link_names(attributes)
            if kind == "sequence"
        )
        known = {str(each.get("name")): md5_or_none(str(each.get("sequence_md5"))) for each in sequences}
        return Described(self._readable(), name, {each: md5 for each, md5 in known.items() if md5})


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else [] if value is None else [value]
