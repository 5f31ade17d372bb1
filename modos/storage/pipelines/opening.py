"""Opening zarr hierarchies by address: `open_url`, `open_group` and `open_array`.

Owns how an address and zarr's own arguments go together, and hints where nothing was found. Must not know any adapter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from modos.errors import InvalidInputError, KeyNotFoundError, ModosError, URLPipelineError
from modos.storage.pipelines.interface import AdapterResolution, Mode, ZarrFormat
from modos.storage.pipelines.places import joined_path, place_of
from modos.storage.pipelines.resolver import resolve_pipeline

if TYPE_CHECKING:
    import zarr
    from zarr.abc.store import Store

__all__ = ["open_array", "open_group", "open_store", "open_url"]


def open_url(
    url: str,
    *,
    mode: Mode = "r",
    path: str = "",
    zarr_format: ZarrFormat | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401 - zarr checks them
) -> "zarr.Group | zarr.Array[Any]":
    """Open the zarr group or array at an address, by a pipeline such as `s3://bucket/ex.zip|zip:data.zarr|zarr3:counts`.

    Parameters
    ----------
    url
        A root (`file:`, `memory:`, `s3:`, `swift:`, `https:`, …), and adapters behind bars.
    mode
        As in `zarr.open`: `"r"` reads only, `"r+"` edits what is there, `"a"` creates it if need be, `"w"` replaces it,
        `"w-"` creates it or fails.
    path
        A node beneath the one that the address names; `""` for that one.
    zarr_format
        2 or 3; `None` for what the address says, else whichever is there. What the address says cannot be contradicted.
    storage_options
        What the storage of the root takes; `None` for credentials from the environment.
    **options
        What else `zarr.open` takes.

    Raises
    ------
    URLPipelineError
        When the address breaks a rule or leads nowhere; it may say what was probably meant.
    KeyNotFoundError
        When there is no such group or array.
    """
    wanted = _Wanted(mode=mode, path=path, zarr_format=zarr_format, storage_options=storage_options, options=options)
    return _opened("open", url, wanted)


def open_group(
    url: str,
    *,
    mode: Mode = "r",
    path: str = "",
    zarr_format: ZarrFormat | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401 - zarr checks them
) -> "zarr.Group":
    """Open the zarr group at an address; see `open_url`.

    Examples
    --------
    >>> group = open_group("memory:study|zarr3:samples", mode="w")
    >>> _ = group.create_array("counts", data=__import__("numpy").arange(3))
    >>> open_group("memory://study|zarr3:samples")["counts"][:].tolist()
    [0, 1, 2]
    """
    wanted = _Wanted(mode=mode, path=path, zarr_format=zarr_format, storage_options=storage_options, options=options)
    return cast("zarr.Group", _opened("open_group", url, wanted))


def open_array(
    url: str,
    *,
    mode: Mode = "r",
    path: str = "",
    zarr_format: ZarrFormat | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401 - zarr checks them
) -> "zarr.Array[Any]":
    """Open the zarr array at an address, or create one given `shape` and `dtype`; see `open_url`."""
    wanted = _Wanted(mode=mode, path=path, zarr_format=zarr_format, storage_options=storage_options, options=options)
    return cast("zarr.Array[Any]", _opened("open_array", url, wanted))


def open_store(url: str, *, mode: Mode = "r", storage_options: Mapping[str, Any] | None = None) -> "Store":
    """Open the zarr store at an address, for whatever takes one.

    Parameters
    ----------
    url
        The pipeline; it must lead to the root of a store.
    mode
        As for `open_url`.
    storage_options
        What the storage of the root takes; `None` for nothing.

    Raises
    ------
    URLPipelineError
        When the address leads to a path inside a store, which a bare store cannot say.
    """
    resolution = _resolved(url, mode, storage_options)
    if resolution.path.strip("/"):
        _give_up(resolution)
        reason = f"resolves to a path inside a store, {resolution.path!r}; open it with open_url, or leave the path out"
        raise URLPipelineError(url, reason)
    return resolution.store


def _resolved(url: str, mode: Mode, storage_options: Mapping[str, Any] | None) -> AdapterResolution:
    from zarr.core.sync import sync

    return sync(resolve_pipeline(url, mode=mode, storage_options=storage_options))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the caller of one of the functions above asked for."""

    mode: Mode
    path: str
    zarr_format: ZarrFormat | None
    storage_options: Mapping[str, Any] | None
    options: Mapping[str, Any]


def _opened(function: str, url: str, wanted: _Wanted) -> "zarr.Group | zarr.Array[Any]":
    import zarr

    parts = wanted.path.split("/")
    if {".", ".."} & set(parts):
        raise InvalidInputError(f"the path {wanted.path!r} has a part '.' or '..', which no path may have")
    resolution = _resolved(url, wanted.mode, wanted.storage_options)
    node = joined_path(resolution.path, *parts)
    try:
        chosen = _format(resolution.zarr_format, wanted.zarr_format, url)
        call = getattr(zarr, function)
        mode = "r" if wanted.mode == "a" and resolution.store.read_only else wanted.mode  # what is there is opened
        return cast(
            "zarr.Group | zarr.Array[Any]",
            call(store=resolution.store, path=node, mode=mode, zarr_format=chosen, **wanted.options),
        )
    except BaseException as error:
        hint = _hint(resolution, url) if isinstance(error, FileNotFoundError) else ""
        _give_up(resolution)
        if hint:
            raise URLPipelineError(url, hint) from error
        if isinstance(error, FileNotFoundError) and not isinstance(error, ModosError):
            raise KeyNotFoundError(url, f"there is no zarr {_noun(function)} here") from error
        raise


def _noun(function: str) -> str:
    return {"open_group": "group", "open_array": "array"}.get(function, "group or array")


def _format(said: ZarrFormat | None, given: ZarrFormat | None, url: str) -> ZarrFormat | None:
    if said is not None and given is not None and said != given:
        raise URLPipelineError(url, f"says zarr{said}:, which conflicts with zarr_format={given}")
    return said or given


def _give_up(resolution: AdapterResolution) -> None:
    """Close a store, or take back an archive that was only begun."""
    discard = getattr(resolution.store, "discard", None)
    if discard is not None:
        discard()
    else:
        resolution.store.close()


def _hint(resolution: AdapterResolution, url: str) -> str:
    """Return what was probably forgotten, by what the place looks like; asked only when nothing was found."""
    from modos.storage.pipelines.detection import adapter_for

    try:
        place = place_of(resolution, url)
        scheme = adapter_for(place)
    except Exception:  # noqa: BLE001 - what somebody else's store makes of the question must not hide what went wrong
        return ""
    if scheme is None:
        return ""
    return f"is no zarr hierarchy itself; did you forget '|{scheme}:'?"
