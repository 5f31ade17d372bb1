"""`modos show`: metadata, hierarchy or files of an object.

Owns the words of the command. Must not know what metadata means.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modos.cli.places import Anonymous, AsJSON, Endpoint, MaybeElement, Place, open_object

if TYPE_CHECKING:
    from modos import MODO

__all__ = ["show"]


def show(
    place: Place,
    element_id: MaybeElement = None,
    *,
    zarr: Annotated[bool, typer.Option("--zarr", help="Show the zarr hierarchy as a tree, with shapes.")] = False,
    files: Annotated[bool, typer.Option("--files", help="List the data files, relative to the object.")] = False,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
    anon: Anonymous = False,
) -> None:
    """Show the metadata of an object, or of one element, as YAML."""
    if zarr and files:
        message = "--zarr and --files do not go together"
        raise typer.BadParameter(message)
    if files and element_id is not None:
        message = "--files lists those of the whole object; leave the ELEMENT out"
        raise typer.BadParameter(message)
    modo = open_object(place, endpoint=endpoint, anon=anon)
    if as_json:
        shown = _arrays(modo, element_id) if zarr else modo.list_files() if files else _metadata(modo, element_id)
        typer.echo(json.dumps(shown, indent=2, default=str))
    elif files:
        for path in modo.list_files():
            typer.echo(str(path))
    else:
        typer.echo(modo.list_arrays(element_id) if zarr else modo.show_contents(element_id).rstrip("\n"))


def _metadata(modo: "MODO", element_id: str | None) -> Any:  # noqa: ANN401 - whatever JSON holds
    import yaml

    return modo.metadata if element_id is None else yaml.safe_load(modo.show_contents(element_id))


def _arrays(modo: "MODO", element_id: str | None) -> dict[str, dict[str, Any]]:
    """Return path to shape and type of each array."""
    import zarr

    beneath = "" if element_id is None else f"{modo.list_arrays(element_id).partition('\n')[0]}/"
    return {
        path: {"shape": list(node.shape), "data_type": str(node.dtype)}
        for path, node in sorted(modo.zarr.members(max_depth=None))
        if isinstance(node, zarr.Array) and path.startswith(beneath)
    }
