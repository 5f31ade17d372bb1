"""`modos swift info`: what an account, its service, or a container is.

Owns the words of the command. Must not know where they are kept.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modos.cli.places import AsJSON
from modos.cli.swift.places import opened

if TYPE_CHECKING:
    from modos.swift import Containers

__all__ = ["info"]


def info(
    container: Annotated[
        str | None,
        typer.Argument(metavar="CONTAINER", help="A container, by name or address; without it the account."),
    ] = None,
    *,
    as_json: AsJSON = False,
) -> None:
    """Show what a container holds and who may use it; or what the account holds, and what the service can do."""
    from modos.swift import Containers

    filesystem, name = opened(container or "")
    containers = Containers(filesystem)
    told = _container(containers, name) if name else _account(containers)
    typer.echo(json.dumps(told, indent=2) if as_json else _in_words(told))


def _container(containers: "Containers", name: str) -> dict[str, Any]:
    found = containers.stat(name)
    return {
        "url": containers.url(name),
        "objects": found.objects,
        "bytes": found.bytes,
        "public": found.is_public,
        "read": str(found.read),
        "write": str(found.write),
        "cors": {
            "allow_origin": list(found.cors.allow_origin),
            "expose_headers": list(found.cors.expose_headers),
            "max_age": found.cors.max_age,
        },
        "metadata": dict(found.metadata),
        "signs_addresses": found.has_temp_url_key,
        "storage_policy": found.storage_policy,
    }


def _account(containers: "Containers") -> dict[str, Any]:
    found, service = containers.account(), containers.service()
    swift, signing = service.get("swift", {}), service.get("tempurl", {})
    return {
        "storage_url": found.storage_url,
        "containers": found.containers,
        "objects": found.objects,
        "bytes": found.bytes,
        "service": {
            "version": swift.get("version"),
            "largest_object": swift.get("max_file_size"),
            "names_per_page": swift.get("container_listing_limit"),
            "segmented_objects": "slo" in service,
            "bulk_delete": "bulk_delete" in service,
            "signed_addresses": signing.get("methods", []),
            "digests": signing.get("allowed_digests", []),
        },
    }


def _in_words(told: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)).rstrip()
