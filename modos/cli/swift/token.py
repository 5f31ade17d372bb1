"""`modos swift token`: a token for other programs.

Owns the words of the command. Must not know how one logs in.
"""

import json

import typer

from modos.cli.places import AsJSON
from modos.cli.reporting import note

__all__ = ["token"]


def token(*, as_json: AsJSON = False) -> None:
    """Log in, and write what a shell needs to hand the token on: eval "$(modos swift token)".

    Credentials come from the environment; those that can log in go before a token that is there.
    """
    from modos.swift import acquire_token

    made = acquire_token()
    ends = made.expires_at.isoformat(timespec="seconds") if made.expires_at else None
    if as_json:
        typer.echo(json.dumps({"storage_url": made.storage_url, "token": made.token, "expires_at": ends}, indent=2))
        return
    typer.echo(made.as_environment())
    if ends:
        note(f"the token ends at {ends}")
