"""Arrays of an object: numbers, tables, labelled and sparse arrays, AnnData and MuData, added and read back.

Owns `ArrayKeeping`, a part of `MODO`. Must not know how any of them is stored.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modos.errors import InvalidInputError
from modos.objects.faces.telling import Telling

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

    from modos.objects.arrays.reading import Form

__all__ = ["ArrayKeeping"]


class ArrayKeeping(Telling):
    """What an object does with the arrays in its elements' groups."""

    def add_array(
        self,
        element_id: str,
        data: object,
        name: str = "data",
        *,
        labels: Mapping[str, Any] | None = None,
        chunks: int | Sequence[int] | None = None,
        shards: int | Sequence[int] | None = None,
        compressors: Any = None,  # noqa: ANN401 - as zarr takes them
        attributes: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        """Store an array, a table or several labelled arrays in the group of an element; `read_array` gives it back.

        Others see it whole or not at all, and one that it takes the place of until then. What is large or lazy (of dask,
        zarr, or an xarray of them) is written block by block.

        Parameters
        ----------
        element_id
            The element that it belongs to.
        data
            A `DataFrame`, `Series` or `Index` of pandas, a `Dataset` or `DataArray` of xarray, a sparse array of scipy
            or sparse, a `Table` of pyarrow, an `AnnData` or `MuData`, an array of dask or zarr, or anything that numpy
            makes an array of numbers, booleans, times or text.
        name
            Name of the array in the element's group; `a/b` stands in a group `a`.
        labels
            For an array: name of each dimension to the labels along it, `None` where it has none, in the order of the
            axes. `None` for no labels.
        chunks
            Shape of what is read at once, or one number for all axes; `None` for about 1 MiB.
        shards
            Shape of what is stored as one file, likewise; `None` for up to 32 MiB, that of the chunks for one file each.
        compressors
            As zarr takes them, `()` for none; `None` for Zstandard with a checksum in each chunk.
        attributes
            What the array says besides, as JSON has it; `None` for nothing.
        overwrite
            Whether it may take the place of an array of this name.

        Raises
        ------
        ElementNotFoundError
            When there is no such element.
        ElementExistsError
            When it has an array of this name.
        InvalidElementError
            When data of this kind or type cannot be stored, or the name is none.
        ConflictError
            When another writer is at work on an array of this name, or has changed it meanwhile.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> from modos import MODO
        >>> modo = MODO.create(f"{tempfile.mkdtemp()}/ex")
        >>> _ = modo.add_element({"@type": "Sample", "id": "s1"})
        >>> modo.add_array("s1", pd.DataFrame({"count": [3, 5]}, index=["geneA", "geneB"]), name="counts")
        >>> modo.read_array("s1", "counts").loc["geneB", "count"]
        np.int64(5)
        """
        from modos.objects.arrays.edits import publish, stage
        from modos.objects.arrays.layouts.encoding import Options

        own = {} if attributes is None else attributes
        options = Options(chunks, shards, compressors, own, labels, deferred=True)
        staged = stage(self.refresh()._said, element_id, data, name, options, overwrite=overwrite)  # noqa: SLF001 - its own
        self._said = publish(self._storage, staged)

    def append_array(self, element_id: str, name: str, more: object, *, axis: int | str = 0) -> None:
        """Append to an array or a table; whoever reads meanwhile sees it as it was, or with all of this.

        Of a large array only what is new is written, and the files that its end was in. A small one is written anew.

        Parameters
        ----------
        element_id
            The element that it belongs to.
        name
            Name of the array.
        more
            Data of the same kind: rows with the same columns, an array of the same extent along the other axes.
        axis
            Along which to append: a number, or a dimension's name for what has names. Tables grow by rows only.

        Raises
        ------
        ElementNotFoundError
            When there is no such element or array.
        InvalidElementError
            When the data do not fit those that are there.
        ConflictError
            When another writer is at work on the array, or has changed it meanwhile.
        """
        from modos.objects.arrays.appending import stage_more
        from modos.objects.arrays.edits import publish

        staged = stage_more(self._storage, self.refresh()._said, element_id, name, more, axis=axis)  # noqa: SLF001 - its own
        self._said = publish(self._storage, staged)

    def read_array(
        self,
        element_id: str,
        name: str = "data",
        as_: "Form | None" = None,
        *,
        rows: slice | None = None,
        columns: Sequence[object] | None = None,
        lazy: bool = False,
    ) -> Any:  # noqa: ANN401 - whatever was stored
        """Return an array or a table, with its labels, as it was stored or in another form.

        No request is made for metadata: what the object says of it was read when the object was.

        Parameters
        ----------
        element_id
            The element that it belongs to.
        name
            Its name in the element's group.
        as_
            `"numpy"`, `"pandas"`, `"xarray"`, `"dask"`, `"sparse"`, `"arrow"`, `"anndata"` or `"mudata"`; `"zarr"` for
            the array or group of zarr, of which nothing is read yet. `None` for what was stored.
        rows
            Which of them, along the first axis; only these are fetched. `None` for all.
        columns
            Which columns of a table; only these are fetched. `None` for all.
        lazy
            Whether to fetch values when they are used: of xarray and AnnData.

        Raises
        ------
        ElementNotFoundError
            When there is no such element or array.
        InvalidInputError
            When it cannot have this form; names those that it can have. When no such rows or columns can be chosen.
        IntegrityError
            When a part of it is missing or makes no sense: the array was replaced since the object was read, or is damaged.
        """
        from modos.objects.arrays.reading import read

        return read(self._storage, self._said, element_id, name, as_, rows=rows, columns=columns, lazy=lazy)

    def remove_array(self, element_id: str, name: str = "data", *, purge: bool = False) -> None:
        """Remove an array, or a group of them with all that it holds.

        Parameters
        ----------
        element_id
            The element that it belongs to.
        name
            Its name in the element's group.
        purge
            Whether nothing is kept of it for `undo`: it is gone for good, and so is what earlier edits have put aside of it.

        Raises
        ------
        ElementNotFoundError
            When there is no such element or array.
        InvalidInputError
            When it is a part of something that cannot be read without it, such as a column of a table.
        """
        from modos.objects.arrays.edits import remove

        self._said = remove(self._storage, element_id, name, purge=purge)

    # -- annotated matrices -----------------------------------------------------------------------------------------

    def add_anndata(self, element_id: str, adata: "AnnData", name: str = "data", *, overwrite: bool = False) -> None:
        """Store an AnnData in the group of an element, as its own library writes it to zarr.

        Parameters
        ----------
        element_id, name, overwrite
            As for `add_array`.
        adata
            In memory, backed by a file, or of dask arrays: these are written block by block.

        Raises
        ------
        ModosError
            As for `add_array`.
        """
        _refuse_other(adata, "anndata", "AnnData")
        self.add_array(element_id, adata, name, overwrite=overwrite)

    def to_anndata(self, element_id: str, name: str = "data", *, lazy: bool = False) -> "AnnData":
        """Return a stored AnnData.

        Parameters
        ----------
        element_id, name
            As for `read_array`.
        lazy
            Whether to fetch values when they are used, which takes dask and xarray.

        Raises
        ------
        ElementNotFoundError
            When there is no such element or array.
        InvalidInputError
            When it is none.
        """
        found: AnnData = self.read_array(element_id, name, "anndata", lazy=lazy)
        return found

    def add_mudata(self, element_id: str, mdata: "MuData", name: str = "data", *, overwrite: bool = False) -> None:
        """Store a MuData in the group of an element, in the layout that its own library has for zarr.

        Parameters
        ----------
        element_id, name, overwrite
            As for `add_array`.
        mdata
            With all its modalities.

        Raises
        ------
        ModosError
            As for `add_array`.
        """
        _refuse_other(mdata, "mudata", "MuData")
        self.add_array(element_id, mdata, name, overwrite=overwrite)

    def to_mudata(self, element_id: str, name: str = "data") -> "MuData":
        """Return a stored MuData.

        Parameters
        ----------
        element_id, name
            As for `read_array`.

        Raises
        ------
        ElementNotFoundError
            When there is no such element or array.
        InvalidInputError
            When it is none.
        """
        found: MuData = self.read_array(element_id, name, "mudata")
        return found


def _refuse_other(data: object, package: str, name: str) -> None:
    """Refuse what is of another class; its library is not loaded for that."""
    if (package, name) not in {(each.__module__.partition(".")[0], each.__name__) for each in type(data).__mro__}:
        raise InvalidInputError(f"this stores a {package}.{name}, not a {type(data).__name__}; add_array stores others")
