"""A token to hand on: for other programs, other machines, or a shell.

Owns which credentials are worth logging in with. Knows neither how that is done nor what the process has acquired already.
"""

import os
from collections.abc import Mapping
from typing import Any

from modos.errors import InvalidInputError
from modos.swift.auth.choosing import credentials_from_environment, credentials_from_options
from modos.swift.auth.credentials import AnonymousCredentials, Credentials
from modos.swift.auth.lifetimes import Access
from modos.swift.auth.tokens import log_in
from modos.swift.transport import Transport

__all__ = ["acquire_token"]

_TOKEN = "OS_AUTH_TOKEN"  # noqa: S105 - the name of the variable


def acquire_token(
    credentials: Credentials | None = None,
    *,
    timeout: float = 30.0,
    transport: Transport | None = None,
    **options: Any,  # noqa: ANN401 - checked by credentials_from_options
) -> Access:
    """Log in and return the storage URL, the token and when it ends.

    A service may give the token that it has given before, as long as that is valid. Credentials that are a token already are
    returned as they are, without asking anybody.

    Parameters
    ----------
    credentials
        Who asks; `None` for the options, and without these for the environment. What can log in goes before a token there,
        so that one from before is renewed.
    timeout
        Seconds that each request may take.
    transport
        TLS and proxies; `None` for the usual.
    **options
        As for `credentials_from_options`: `auth_url`, `user` and `key`, or Keystone's.

    Raises
    ------
    InvalidInputError
        The credentials are absent, incomplete, given twice, or those of nobody.
    AuthenticationError
        They are refused.

    Examples
    --------
    >>> acquire_token(storage_url="https://swift.example.org/v1/AUTH_lab", token="secret")
    Access(storage_url='https://swift.example.org/v1/AUTH_lab', expires_at=None)
    """
    if credentials is not None and options:
        message = f"credentials are given: {', '.join(sorted(options))} cannot be given as well"
        raise InvalidInputError(message)
    chosen = credentials or (credentials_from_options(**options) if options else _able_to_log_in(os.environ))
    if isinstance(chosen, AnonymousCredentials):
        message = "there is no token for nobody; give credentials that can log in"
        raise InvalidInputError(message)
    return log_in(chosen, timeout=timeout, transport=transport or Transport())


def _able_to_log_in(environ: Mapping[str, str]) -> Credentials:
    """Return what the environment says beside a token, which may have ended; the token where it says nothing else."""
    others = {name: value for name, value in environ.items() if name != _TOKEN}
    try:
        found = credentials_from_environment(others)
    except InvalidInputError:
        return credentials_from_environment(environ)
    return credentials_from_environment(environ) if isinstance(found, AnonymousCredentials) else found
