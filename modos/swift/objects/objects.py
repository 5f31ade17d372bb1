"""The objects of one account, read, written, copied and deleted whole, large or not.

Owns what has to happen around a request so that no segment is left behind. Knows nothing of fsspec, zarr or open files.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain

from modos.errors import KeyExistsError
from modos.swift.concurrency import together
from modos.swift.http.bodies import Body, Room, length_of
from modos.swift.http.client import SwiftClient
from modos.swift.http.exchanges import Response, address_of
from modos.swift.objects.listing import Lister, raw_name
from modos.swift.objects.segments import LargeUpload, Segments, cut_points, server_copy
from modos.swift.protocol import (
    Info,
    byte_range,
    condition,
    copied_headers,
    etag_of,
    info_from_headers,
    is_large,
    object_headers,
    range_header,
    split_path,
    total_size,
)
from modos.swift.waiting import LoopNeededError, is_here

__all__ = ["Objects"]

_NOT_FOUND, _PARTIAL, _BEYOND_END = 404, 206, 416
_HEADS_AT_ONCE = 16


class Objects:
    """The objects of one account; paths read `container/object`.

    Parameters
    ----------
    client
        Makes the requests.
    segment_size
        Objects beyond this many bytes are cut in segments of that size.
    concurrency
        How many parts of one large object are on their way at once.
    """

    def __init__(self, client: SwiftClient, *, segment_size: int = 256 << 20, concurrency: int = 4) -> None:
        self.client = client
        self.segment_size = segment_size
        self.concurrency = concurrency
        self.lister = Lister(client)
        self.segments = Segments(client, self.lister)

    async def where(self, path: str) -> str:
        """Return the address of a path, for errors."""
        return address_of((await self.client.access()).storage_url, path)

    async def head(self, path: str) -> Response:
        """Ask for an object's headers; 404 is an answer."""
        return await self.client.request("HEAD", path, accept={_NOT_FOUND})

    async def read(
        self, path: str, start: int | None = None, end: int | None = None, *, if_match: str | None = None
    ) -> bytes:
        """Return the bytes of an object, or of a slice of it with the meaning that slices have in Python.

        One request; one more where an end counts from the end. An empty slice costs none.

        Parameters
        ----------
        path
            The object.
        start, end
            As in a slice; `None` for the beginning and the end.
        if_match
            ETag that the object must still have; `None` for any.

        Raises
        ------
        KeyNotFoundError
            There is no such object.
        IntegrityError
            It does not have this ETag any more, or its bytes do not arrive as promised.
        """
        return (await self.fetch(path, start, end, if_match=if_match))[0]

    async def fetch(
        self, path: str, start: int | None = None, end: int | None = None, *, if_match: str | None = None
    ) -> tuple[bytes, Info]:
        """Return what `read` does, and the info that came with it; nothing but the name where none was asked for."""
        wanted = byte_range(start, end)
        if wanted is None:
            wanted = byte_range(start, end, total_size((await self.client.request("HEAD", path)).headers))
            assert wanted is not None
        first, last = wanted
        if last is not None and first >= last:
            return b"", {"name": path, "type": "file"}
        headers = range_header(first, last)
        answer = await self.client.request(
            "GET", path, headers=headers | condition(if_match), accept={_BEYOND_END} if headers else ()
        )
        if answer.status == _BEYOND_END:
            return b"", {"name": path, "type": "file"}
        body = answer.body if answer.status == _PARTIAL or not headers else answer.body[first:last]
        return body, info_from_headers(path, answer.headers)

    async def fetch_whole(self, path: str, size: int) -> tuple[bytes, Info]:
        """Return all bytes of an object and the info that came with them; no byte of one longer than `size`.

        A service answers this sooner than a range.
        """
        answer = await self.client.request("GET", path, most=size)
        return answer.body, info_from_headers(path, answer.headers)

    async def fetch_into(self, path: str, room: Room, *, start: int) -> Info:
        """Fill a buffer or a sink with the bytes of an object from `start` on, and return the info that came with them.

        For many bytes, which a thread carries cheaper than `fetch`.

        Raises
        ------
        IntegrityError
            Not so many bytes came.
        """
        return info_from_headers(path, await self.client.read_into(path, room, start=start))

    async def write(
        self, path: str, body: bytes | bytearray | memoryview, *, headers: Mapping[str, str], create: bool = False
    ) -> Info:
        """Write bytes to an object, which is seen whole or not at all, and return its info.

        One request, and one listing a minute for each container to know whose segments an overwriting would leave.
        Beyond the segment size, segments side by side and a manifest.

        Parameters
        ----------
        path, body
            The object and its bytes.
        headers
            Content type and metadata, see `object_headers`.
        create
            Refuse when something is there.

        Raises
        ------
        KeyExistsError
            Something is there, and it was to be created.
        KeyNotFoundError
            There is no such container.
        """
        size = length_of(body)
        if size <= self.segment_size:
            return await self.place(path, body, headers=headers, create=create)
        view = memoryview(body).cast("B")
        sections = [nullcontext(view[start:end]) for start, end in cut_points(size, self.segment_size)]
        return await self.write_sections(path, sections, headers=headers, create=create)

    async def write_sections(
        self,
        path: str,
        sections: Sequence[AbstractContextManager[Body]],
        *,
        headers: Mapping[str, str],
        create: bool = False,
        on_arrival: Callable[[int], object] | None = None,
    ) -> Info:
        """Upload sections side by side as segments, then the manifest; leave nothing when one of them fails.

        Parameters
        ----------
        path, headers, create
            As for `write`.
        sections
            The bodies of the segments in their order, each opened when its turn comes.
        on_arrival
            Called with the number of bytes of each section that has arrived; `None` for nothing.

        Raises
        ------
        LoopNeededError
            There is no event loop here, on which they could go side by side.
        """
        if is_here():
            raise LoopNeededError

        async def upload(large: LargeUpload, index: int, section: AbstractContextManager[Body]) -> None:
            with section as body:
                await large.add(index, body)
                if on_arrival is not None:
                    on_arrival(length_of(body))

        parts = [partial(upload, index=index, section=section) for index, section in enumerate(sections)]
        return await self._assemble(path, parts, headers=headers, create=create)

    async def _assemble(
        self,
        path: str,
        parts: Sequence[Callable[[LargeUpload], Awaitable[None]]],
        *,
        headers: Mapping[str, str],
        create: bool,
    ) -> Info:
        large = LargeUpload(self.client, path)
        try:
            await together((partial(part, large) for part in parts), limit=self.concurrency)
            return await self.place(path, large, headers=headers, create=create)
        except BaseException:
            await self.segments.delete(large.disposable)
            raise

    async def place(
        self, path: str, source: Body | LargeUpload, *, headers: Mapping[str, str], create: bool = False
    ) -> Info:
        """Make an object of a body or of uploaded segments, then delete the segments that it leaves without a manifest.

        Parameters
        ----------
        path, headers, create
            As for `write`.
        source
            What it is made of.
        """
        replaced = [] if create else await self.segments.replaced_by(path)
        if isinstance(source, LargeUpload):
            replaced = [segment for segment in replaced if segment not in source.named]
            answer = await source.commit(headers=headers, create=create)
            self.segments.forget(path)
        else:
            answer = await self.client.put(path, source, headers=headers, create=create)
        await self.segments.delete(replaced)
        made = {
            **headers,
            "Content-Length": str(source.length if isinstance(source, LargeUpload) else length_of(source)),
            "Last-Modified": answer.headers.get("Last-Modified", ""),
        }
        large = {"X-Static-Large-Object": "True"} if isinstance(source, LargeUpload) else {}
        return info_from_headers(path, made | large | {"Etag": etag_of(answer.headers)})

    async def copy(self, source: str, target: str, *, create: bool = False) -> Info:
        """Copy an object within the service, bytes, content type and metadata; verified by its ETag.

        A large object is copied segment by segment, so that either can be deleted without the other. A copy does not
        expire (`X-Delete-At`), though its source may. Swift has no copy that refuses: to `create`, the target is looked
        up before.

        Raises
        ------
        KeyExistsError
            Something is there, and it was to be created.
        KeyNotFoundError
            There is no source, or no container for the target.
        """
        if create and await self.is_there(target):
            raise KeyExistsError(await self.where(target))
        headers = (await self.client.request("HEAD", source)).headers
        info = info_from_headers(source, headers)
        if is_large(headers) and (parts := await self.segments.manifest(source)):
            copies = [partial(LargeUpload.copy, index=index, part=part) for index, part in enumerate(parts)]
            carried = object_headers(target, info["content_type"], info["metadata"])
            return await self._assemble(target, copies, headers=carried, create=create)
        replaced = [] if create else await self.segments.replaced_by(target)
        carried = copied_headers(headers, info)
        await server_copy(self.client, source, target, carried, etag=info["etag"])
        await self.segments.delete(replaced)
        return info | {"name": target}

    async def delete(self, path: str) -> None:
        """Delete an object, and its segments when it is a large one.

        Raises
        ------
        KeyNotFoundError
            There is no such object.
        """
        segments = await self.segments.of(path)
        await self.client.delete(path)
        await self.segments.delete(segments)

    async def discard(self, path: str) -> None:
        """Delete an object that may be there, with its segments as far as they were known within the last minute.

        One request, where `delete` needs two.
        """
        segments = await self.segments.replaced_by(path)
        await self.client.delete(path, missing_ok=True)
        await self.segments.delete(segments)

    async def discard_all(self, paths: Sequence[str]) -> None:
        """Delete objects that may be there by bulk requests, with their segments as `discard` does.

        A request for 250 objects, and a listing for each container that was not asked within the last minute.

        Raises
        ------
        LoopNeededError
            There is no event loop here, on which they could go side by side.
        """
        if is_here():
            raise LoopNeededError
        for path in {split_path(path)[0]: path for path in paths}.values():
            await self.segments.replaced_by(path)  # asks for the container once, and not for each path at a time
        segments = await together((partial(self.segments.replaced_by, path) for path in paths), limit=_HEADS_AT_ONCE)
        await self.segments.delete(paths)
        await self.segments.delete(chain.from_iterable(segments))

    async def delete_all(self, paths: Sequence[str], *, limit: int = _HEADS_AT_ONCE) -> None:
        """Delete objects: a HEAD for each, `limit` at a time, tells what is missing or large, then bulk requests.

        Raises
        ------
        KeyNotFoundError
            One of them is not there; none has been deleted.
        """
        if len(paths) == 1:
            await self.delete(paths[0])
            return
        segments = await together((partial(self.segments.of, path, missing_ok=False) for path in paths), limit=limit)
        await self.segments.delete(paths)
        await self.segments.delete(chain.from_iterable(segments))

    async def delete_listed(self, paths: Sequence[str], large: Sequence[str]) -> None:
        """Delete objects by their names in bulk, with the segments of those that are known to be large."""
        segments = await together((partial(self.segments.of, one) for one in large), limit=self.concurrency)
        await self.segments.delete(paths)
        await self.segments.delete(chain.from_iterable(segments))

    async def delete_beneath(self, container: str, prefix: str = "") -> bool:
        """Delete all that begins with a prefix, page by page in bulk, and return whether there was anything.

        Parameters
        ----------
        container
            The container, which stays.
        prefix
            Beginning of the names, slash and all; empty for every object of the container.

        Raises
        ------
        KeyNotFoundError
            There is no such container.
        """
        found, after = False, ""
        while True:
            page, more = await self.lister.page(container, prefix=prefix, start_after=after)
            found = found or bool(page)
            large = [f"{container}/{entry['name']}" for entry in page if "slo_etag" in entry]
            await self.delete_listed([f"{container}/{entry['name']}" for entry in page], large)
            if not (page and more):
                return found
            after = raw_name(page[-1])

    async def is_there(self, path: str) -> bool:
        """Return whether there is an object; no error is taken for no."""
        return (await self.head(path)).status != _NOT_FOUND
