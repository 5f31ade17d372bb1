"""`modos c4gh recipients`: for whom a file is encrypted, as far as that can be seen.

Owns the words of the command. Must not know how headers are read.
"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from modos.cli.c4gh.files import Command, Keys, Source, locate, public_keys, secret_keys
from modos.cli.places import AsJSON, Endpoint, check_s3
from modos.errors import EncryptionError

if TYPE_CHECKING:
    from modos.encryption import Packet

__all__ = ["recipients"]


def recipients(
    source: Source,
    *,
    key: Keys = None,
    key_command: Command = None,
    among: Annotated[
        list[str] | None,
        typer.Option(
            "--among", "-a", metavar="KEY", help="Public key of a reader to look for; tells when yours is the writer's."
        ),
    ] = None,
    endpoint: Endpoint = None,
    as_json: AsJSON = False,
) -> None:
    """List the packets of a file's header: who wrote each, and whom it is for, if a key at hand tells.

    A packet does not name its reader: only the reader's secret key, or the writer's, shows whom it is for.
    """
    from modos import encryption

    check_s3(source, endpoint=endpoint)
    keys = secret_keys(key, key_command)
    try:
        head, _ = encryption.read_header(encryption.stream_file(*locate(source, endpoint=endpoint)))
        packets = encryption.list_packets(head, keys, among=public_keys(among or ()))
    except EncryptionError as error:
        error.file = error.file or source
        raise
    if as_json:
        typer.echo(json.dumps([_as_dict(each) for each in packets], indent=2))
        return
    for each in packets:
        typer.echo(f"{each.kind or 'packet'}  for {each.reader or 'somebody else'}  by {each.writer or 'unknown'}")


def _as_dict(packet: "Packet") -> dict[str, str | None]:
    ends = {"reader": packet.reader, "writer": packet.writer}
    return {"kind": packet.kind, **{name: str(each) if each else None for name, each in ends.items()}}
