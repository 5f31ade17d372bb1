"""The process behind `KeystoneServer`: the identity service of OpenStack, its database and its configuration.

Owns everything that is particular to running Keystone. Is run by path, so it must not know modos: it takes one request
from standard input, answers in JSON on standard output, logs to standard error, and ends when its input does.
"""

# Keystone reads its configuration while it starts, so `configure` comes first and imports stand in the functions.

import base64
import json
import os
import select
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

HOST = "127.0.0.1"
ADMINISTRATOR = "admin"
"""Name of the first user, its project and its role."""
HEARTBEAT = 0.5
"""Seconds between two looks at whether the parent is still there."""


def main() -> NoReturn:
    """Serve until standard input ends or the parent is gone, then remove the scratch folder."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.loads(sys.stdin.readline())
    try:
        server = listening()
        server.app = prepared(Path(request["scratch"]), request, url=f"http://{HOST}:{server.port}/v3")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answers.write(json.dumps({"port": server.port}) + "\n")
        answers.flush()
        wait_for_the_end(parent=request["parent"])
    except BaseException as error:  # noqa: BLE001 - Keystone raises SystemExit; whatever it is, the parent is told
        traceback.print_exc()
        answers.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
        answers.flush()
        sys.stdin.read()  # the parent reads the log first
    finally:
        shutil.rmtree(request["scratch"], ignore_errors=True)
        os._exit(0)


def wait_for_the_end(*, parent: int) -> None:
    """Return when the parent closes its end or is gone; the pipe alone does not tell, as a fork may hold its other end."""
    while os.getppid() == parent:
        if select.select([sys.stdin], [], [], HEARTBEAT)[0] and not os.read(sys.stdin.fileno(), 4096):
            return


def prepared(scratch: Path, request: Mapping[str, Any], *, url: str) -> Callable[..., Any]:
    """Return Keystone as an application of WSGI, over a database with an administrator and its own address."""
    configure(scratch, request["token_life"])

    from keystone.cmd.bootstrap import Bootstrapper
    from keystone.common.sql import upgrades
    from keystone.server.flask import application, core

    upgrades.offline_sync_database_to_version()
    first = Bootstrapper()
    first.admin_username = first.project_name = first.admin_role_name = ADMINISTRATOR
    first.admin_password = request["password"]
    first.region_id = request["region"]
    first.service_name = "keystone"
    first.public_url = first.internal_url = url
    first.bootstrap()
    app: Callable[..., Any] = core.setup_app_middleware(application.application_factory("public"))
    return app


def configure(scratch: Path, token_life: float) -> None:
    """Write the keys and the configuration, and let Keystone read them."""
    for kind in ("fernet", "credential"):
        folder = scratch / kind
        folder.mkdir(mode=0o700)
        for name in ("0", "1"):
            (folder / name).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
    sections: dict[str, dict[str, object]] = {
        "DEFAULT": {"use_stderr": "true"},
        "database": {"connection": f"sqlite:///{scratch / 'keystone.db'}"},
        "cache": {"backend": "dogpile.cache.memory"},  # in this process, which knows what it has revoked
        "credential": {"key_repository": scratch / "credential"},
        "fernet_receipts": {"key_repository": scratch / "fernet"},
        "fernet_tokens": {"key_repository": scratch / "fernet"},
        "identity": {"password_hash_rounds": 4},  # the fewest that there may be: nothing here is worth more
        "oslo_messaging_notifications": {"driver": "noop"},
        "token": {"expiration": int(token_life)},
    }
    lines = [
        f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
        for section, options in sections.items()
    ]
    path = scratch / "keystone.conf"
    path.write_text("\n".join(lines), encoding="utf-8")
    sys.argv[1:] = []  # Keystone takes them for its own

    import keystone.server

    keystone.server.configure(config_files=[str(path)])


def listening() -> Any:  # noqa: ANN401 - werkzeug's server, which is there where Keystone is
    """Return a server on a port that the system chose, which answers in threads as soon as it has an application."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections, as servers do
        disable_nagle_algorithm = True  # head and body are written apart

    return make_server(HOST, 0, app=lambda *_: (), threaded=True, request_handler=Handler)


if __name__ == "__main__":
    main()
