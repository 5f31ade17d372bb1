"""Reference genomes as users add them to an object.

Owns `Referring`, a part of `MODO`. Must not know how a FASTA file is read.
"""

from pathlib import PurePath
from typing import TYPE_CHECKING

from modos.objects.faces.telling import Telling

if TYPE_CHECKING:
    from modos.model import ElementId

__all__ = ["Referring"]


class Referring(Telling):
    """An object that takes reference genomes."""

    def add_reference(
        self,
        fasta: str | PurePath,
        id: str | None = None,  # noqa: A002 - the slot's name
        *,
        part_of: str | None = None,
        bgzip: bool = False,
        index: bool = True,
        **slots: object,
    ) -> "ElementId":
        r"""Add a reference genome from a FASTA file, with an element for each of its sequences, in one edit.

        The file is read once, whatever its size: while it is stored, the MD5 of each sequence and its digest of GA4GH
        refget are computed, and its index is made. Sequences get the id `<name>_<first six of the MD5>`, the MD5 as
        `sequence_md5`, and the digest as `source_uri`, `ga4gh:SQ.…`; one that the object describes already, by name and
        MD5, is linked to.

        Parameters
        ----------
        fasta
            Path or address of the file: plain, or compressed by gzip or bgzip.
        id
            Id of the genome; `None` for the name of the file without its suffix.
        part_of
            Id of the element to link the genome from; `None` for no link.
        bgzip
            Whether to compress it in blocks on the way, unless it is already; its name then ends with `.gz`.
        index
            Whether to make its index files, which reading parts of it takes.
        **slots
            Other slots of the genome: `name`, `description`, `taxon_id`, `source_uri`, `version`, and `data_path`,
            which is by default the name of the file.

        Returns
        -------
        ElementId
            Full id of the genome.

        Raises
        ------
        InvalidInputError
            When it is no FASTA, is damaged or cut off, names two sequences alike, or can have no index: it is compressed
            by gzip, or has lines of different lengths.
        ElementExistsError
            When the id is taken.
        FileConflictError
            When there is another file of its name.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from modos import MODO
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "tiny.fa").write_text(">chr1\nACGT\n")
        >>> modo = MODO.create(folder / "ex")
        >>> str(modo.add_reference(folder / "tiny.fa", bgzip=True))
        'reference/tiny'
        >>> modo.metadata["sequence/chr1_f1f8f4"]["source_uri"]
        'ga4gh:SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2'
        """
        from modos.objects.editing.files import SourceFile
        from modos.objects.references import Asked, add_reference

        asked = Asked(SourceFile.find(fasta), id, part_of, slots, bgzip=bgzip, index=index)
        self._said, added = add_reference(self._storage, asked)
        return added
