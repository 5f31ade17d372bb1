"""`modos c4gh recipients`: for whom files are encrypted, as far as that can be seen.

Owns the words of the command. Must not know how headers are read.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.c4gh.files import Command, Keys, Source, locate, object_at, public_keys, secret_keys
from modos.cli.places import AsJSON, Endpoint, check_s3

if TYPE_CHECKING:
    from modos.encryption import Packet

__all__ = ["recipients"]


def recipients(
    source: Source,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="Of an object: files or elements; without any all encrypted ones.",
        ),
    ] = None,
    *,
    key: Keys = None,
    key_command: Command = None,
    among: Annotated[
        list[str] | None,
        typer.Option(
            "--among", "-a", metavar="KEY", help="Public key of a reader to look for; tells when yours is the writer's."
        ),
    ] = None,
    as_json: AsJSON = False,
    endpoint: Endpoint = None,
) -> None:
    """List the packets of a file's header: who wrote each, and whom it is for, if a key at hand tells.

    A packet does not name its reader: only the reader's secret key, or the writer's, shows whom it is for.
    """
    from modos.objects.encryption.sharing import recipients_of

    check_s3(source, endpoint=endpoint)
    modo = object_at(source, files, endpoint=endpoint)
    keys, readers = secret_keys(key, key_command), public_keys(among or ())
    if modo is None:
        packets = recipients_of(*locate(source, endpoint=endpoint), keys, among=readers)
        if as_json:
            typer.echo(json.dumps([_as_dict(each) for each in packets], indent=2))
        else:
            _show(packets)
        return
    modo.unlock(*keys)
    found = {name: modo.recipients(name, among=readers) for name in files or modo.list_encrypted()}
    if as_json:
        typer.echo(json.dumps({name: [_as_dict(each) for each in some] for name, some in found.items()}, indent=2))
        return
    for name, packets in found.items():
        typer.echo(name)
        _show(packets)


def _show(packets: "Sequence[Packet]") -> None:
    for each in packets:
        typer.echo(f"{each.kind or 'packet'}  for {each.reader or 'somebody else'}  by {each.writer or 'unknown'}")


def _as_dict(packet: "Packet") -> dict[str, str | None]:
    ends = {"reader": packet.reader, "writer": packet.writer}
    return {"kind": packet.kind, **{name: str(each) if each else None for name, each in ends.items()}}
