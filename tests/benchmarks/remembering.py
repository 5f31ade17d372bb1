"""A service that answers what it was asked before from memory, so that it is the clients that are measured.

The Swift of this machine shares its cores with the client and answers in one thread: that is what most of a download of many
small files takes here, whoever downloads. Behind nginx, which keeps the answers, it takes what clients and network take.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

_SETTINGS = """
daemon off; master_process off; pid {place}/pid; error_log {place}/log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {place}/body; proxy_temp_path {place}/temp; fastcgi_temp_path {place}/f;
  uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
  keepalive_requests 1000000; tcp_nodelay on;
  proxy_cache_path {place}/answers keys_zone=answers:16m max_size=1g;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {server}; proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
      proxy_set_header Range $http_range; proxy_set_header If-Match $http_if_match;
      proxy_cache answers; proxy_cache_key "$request_method $request_uri $http_range";
      proxy_cache_convert_head off; proxy_cache_methods GET HEAD; proxy_cache_valid 200 204 206 1h;
    }}
  }}
}}
"""


class Remembering:
    """nginx in front of a server, which is asked only once for what is read: `GET` and `HEAD`.

    Parameters
    ----------
    server
        Address of the server: `http://host:port`.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._place = Path(tempfile.mkdtemp())
        self.url = ""

    @staticmethod
    def is_possible() -> bool:
        """Tell whether nginx is installed here."""
        return shutil.which("nginx") is not None

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = self._place / "settings"
        settings.write_text(_SETTINGS.format(place=self._place, port=port, server=self._server))
        self._process = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(settings)])
        self.url = f"http://127.0.0.1:{port}"
        while not is_listening(port):
            if self._process.poll() is not None:
                message = "nginx did not start"
                raise RuntimeError(message)
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._place, ignore_errors=True)


def is_listening(port: int) -> bool:
    """Tell whether a server of this machine has begun."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0
