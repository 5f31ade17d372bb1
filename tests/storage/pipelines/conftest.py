"""What the tests of pipelines share: archives, an adapter registry of one's own, and a working directory to watch."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from modos.storage.pipelines import registry


@pytest.fixture
def archive():
    """Make the bytes of an archive: `archive({"name": b"content"}, method=zipfile.ZIP_DEFLATED)`."""

    def make(files, method=zipfile.ZIP_STORED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as target:
            for name, body in files.items():
                target.writestr(name, body)
        return buffer.getvalue()

    return make


@pytest.fixture
def adapters(monkeypatch):
    """A registry of adapters that ends with the test."""
    monkeypatch.setattr(registry, "_REGISTRY", registry._Registry())
    return registry


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty directory to stand in."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def _answered(handler, asked):
    """Serve `handler(path, query)`, which returns a body or `None`; yield the address, and record what is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(send=False)

        def do_GET(self):
            self.answer(send=True)

        def answer(self, *, send):
            parts = urlsplit(self.path)
            asked.append((parts.path, parts.query))
            body = handler(unquote(parts.path), parse_qs(parts.query))
            if body is None:
                self.send_error(404)
                return
            wanted = self.headers.get("Range")
            start, end = 0, len(body)
            if wanted:
                first, last = wanted.removeprefix("bytes=").split("-")
                start, end = int(first), min(int(last) + 1 if last else len(body), len(body))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(end - start))
            self.send_header("Last-Modified", "Wed, 17 Jan 2024 00:00:00 GMT")
            self.send_header("ETag", '"0"')
            self.end_headers()
            if send:
                self.wfile.write(body[start:end])

        def log_message(self, *arguments):
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def served(archive):
    """A web server with the array `[1, 2, 3]` at `a` and an archive; its address, and each path and query asked for."""
    held = {}
    zarr.create_array(MemoryStore(held), name="a", data=np.array([1, 2, 3], "i4"))
    files = {f"/{name}": value.to_bytes() for name, value in held.items()}
    files["/x.zip"] = archive({"f": b"1"})
    asked = []
    for url in _answered(lambda path, query: files.get(path), asked):
        yield url, asked


@pytest.fixture
def bucket_host():
    """A host that is one bucket of S3 by itself, as those are that have a name of their own; and what is asked for."""
    files = {"data/deep/a b": b"1", "data/deep/sub/c": b"2", "data/other": b"3"}
    asked = []

    def answer(path, query):
        if path != "/":
            return files.get(path[1:])
        (prefix,), delimiter = query["prefix"], query.get("delimiter", [""])[0]
        found = {name for name in files if name.startswith(prefix)}
        deep = {name for name in found if delimiter and delimiter in name[len(prefix) :]}
        contents = "".join(
            f"<Contents><Key>{name}</Key><Size>1</Size><LastModified>2024-01-17T00:00:00.000Z</LastModified></Contents>"
            for name in sorted(found - deep)
        )
        shared = {prefix + name[len(prefix) :].partition("/")[0] + "/" for name in deep}
        prefixes = "".join(f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" for name in sorted(shared))
        namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
        end = "<IsTruncated>false</IsTruncated></ListBucketResult>"
        return f'<ListBucketResult xmlns="{namespace}">{contents}{prefixes}{end}'.encode()

    for url in _answered(answer, asked):
        yield url, asked
