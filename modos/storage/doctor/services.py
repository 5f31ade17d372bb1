"""Each kind of storage: what it can by its nature, what its service tells, and what only it can be asked.

Owns the one table from class to facts. Must not write anything, and knows no verb of the contract but by name.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modos.errors import KeyNotFoundError, StorageError
from modos.storage.base import Storage
from modos.storage.doctor.facts import ABILITIES, Ability, Answer, Capabilities, Fact, Limit, yes_or_no
from modos.storage.paths import LONGEST_NAME

__all__ = ["SERVICES", "Service", "service_of"]

_VALID = 300.0
"""Seconds for which what a service told of itself is believed."""

_GIB = 2**30
_PAGE_OF_S3 = 1000

type Answers = Mapping[Ability, Answer | tuple[Answer, str]]


@dataclass(frozen=True, slots=True)
class Service:
    """One kind of storage.

    Attributes
    ----------
    declare
        Returns what is known without trying anything; at most one request.
    versions
        Asks whether earlier versions are kept, which is a setting of the bucket or container; a directory has to be there.
    several_ranges
        Asks for two ranges of a file in one request and tells whether both came; `None` where signed addresses serve.
    """

    declare: Callable[[Storage], Capabilities]
    versions: Callable[[Storage], Fact]
    several_ranges: Callable[[Storage, str], bool] | None = None


def service_of(storage: Storage) -> Service:
    """Return what is known of storages of this kind: of the nearest class in the table."""
    return next(SERVICES[kind.__name__] for kind in type(storage).__mro__ if kind.__name__ in SERVICES)


def _capabilities(
    storage: Storage,
    service: str,
    answers: Answers,
    limits: Mapping[str, Limit | None] | None = None,
    *,
    told: bool = False,
) -> Capabilities:
    facts: dict[Ability, Fact] = {}
    for ability in ABILITIES:
        answer = answers.get(ability, "unknown")
        word, detail = answer if isinstance(answer, tuple) else (answer, "")
        facts[ability] = Fact(word, "told" if told and ability in _TOLD else "known", detail)
    facts["write"] = Fact("no", detail="opened for reading only") if storage.read_only else Fact(detail="not tried")
    known = {name: limit for name, limit in (limits or {}).items() if limit is not None}
    return Capabilities(storage.url, service, facts, known)


# -- directories, and whatever speaks fsspec ------------------------------------------------------------------------------


def _local(storage: Storage) -> Capabilities:
    answers: Answers = {
        "ranges": "yes",
        "multi_ranges": "no",
        "create_only": ("yes", "one of several writers wins"),
        "long_uploads": ("yes", "streamed into a hidden file, then renamed"),
        "server_copy": ("no", "this machine copies"),
        "sign_get": "no",
        "sign_put": "no",
        "content_type": "no",
        "metadata": "no",
        "md5": "no",
        "consistent_listing": "yes",
        "versions": "no",
    }
    return _capabilities(storage, "a directory of this machine", answers)


def _fsspec(storage: Storage) -> Capabilities:
    protocol = storage.url.partition("://")[0]
    answers: Answers = {
        "ranges": "yes",
        "create_only": ("unknown", "looked up before the write"),
        "multi_ranges": "no",
    }
    return _capabilities(storage, f"fsspec's {protocol} filesystem", answers)


def _versions_of_directory(storage: Storage) -> Fact:
    if not Path(storage.path).is_dir():
        raise KeyNotFoundError(storage.url, "there is no such directory")
    return Fact("no")


def _not_known(_: Storage) -> Fact:
    return Fact()


# -- S3 -------------------------------------------------------------------------------------------------------------------


def _s3(storage: Any) -> Capabilities:  # noqa: ANN401 - an S3Storage
    endpoint = storage.filesystem.endpoint_url
    signs: tuple[Answer, str] = ("no", "asked without credentials") if storage.filesystem.anon else ("yes", "")
    aws = endpoint is None or ".amazonaws.com" in endpoint
    depends: tuple[Answer, str] = ("yes", "") if aws else ("unknown", "depends on the service")
    answers: Answers = {
        "ranges": "yes",
        "multi_ranges": "no",
        "create_only": depends,
        "conditional_update": depends,
        "long_uploads": ("yes", "multipart"),
        "server_copy": "yes",
        "sign_get": signs,
        "sign_put": signs,
        "content_type": "yes",
        "metadata": ("yes", "beyond ASCII by RFC 2047"),
        "md5": ("yes", "of files that went up in one part"),
        "consistent_listing": depends,
        "long_names": "yes",
    }
    limits: Mapping[str, Limit] = {
        "page_size": _PAGE_OF_S3,
        "longest_name": LONGEST_NAME,
        "largest_put": 5 * _GIB,
        "most_parts": 10_000,
    }
    return _capabilities(storage, f"S3 at {endpoint or 'AWS'}", answers, limits)


def _versions_of_bucket(storage: Any) -> Fact:  # noqa: ANN401 - an S3Storage
    try:
        status = storage.filesystem.call_s3("get_bucket_versioning", Bucket=storage.path.parts[0]).get("Status", "")
    except Exception as error:  # noqa: BLE001 - s3fs, botocore and aiohttp raise what they like; not knowing is no failure
        return Fact("unknown", "tried", f"the service did not say: {type(error).__name__}")
    return Fact(yes_or_no(status == "Enabled"), "told", status.lower())


# -- Google and Azure -----------------------------------------------------------------------------------------------------


def _cloud(storage: Storage) -> Capabilities:
    google = storage.url.startswith("gs:")
    answers: Answers = {
        "ranges": "yes",
        "multi_ranges": "no",
        "create_only": "yes",
        "conditional_update": ("no", "its conditions name generations, not ETags") if google else "yes",
        "long_uploads": ("yes", "multipart" if google else "blocks"),
        "server_copy": "yes",
        "sign_get": ("unknown", "depends on the credentials"),
        "sign_put": ("unknown", "depends on the credentials"),
        "content_type": "yes",
        "metadata": ("yes", "beyond ASCII by RFC 2047"),
        "md5": ("no", "its ETag is none"),
        "consistent_listing": "yes",
        "long_names": "yes",
    }
    name = "Google Cloud Storage" if google else "Azure Blob Storage"
    return _capabilities(storage, name, answers, {"longest_name": LONGEST_NAME})


# -- Swift ----------------------------------------------------------------------------------------------------------------

_TOLD: frozenset[Ability] = frozenset({"long_uploads", "sign_get", "sign_put"})

_services: dict[str, tuple[float, Mapping[str, Any]]] = {}
"""What services have told of themselves, by their addresses, and when: public, and the same for every account."""


def _swift(storage: Any) -> Capabilities:  # noqa: ANN401 - a SwiftStorage
    filesystem = storage.filesystem
    account: str = filesystem.run(filesystem.client.access).storage_url
    origin = account.partition("/v1")[0]
    when, told = _services.get(origin, (-_VALID, {}))
    if time.monotonic() - when > _VALID:
        told = filesystem.run(filesystem.client.capabilities)
        _services[origin] = (time.monotonic(), told)
    swift, slo, signing = (told.get(name, {}) for name in ("swift", "slo", "tempurl"))
    methods = tuple(signing.get("methods", ()))
    silent: tuple[Answer, str] = ("unknown", "the service does not say")
    answers: Answers = {
        "ranges": "yes",
        "multi_ranges": "yes",
        "create_only": ("yes", "checked as the write begins: no lock"),
        "conditional_update": ("no", "Swift ignores If-Match in writing"),
        "long_uploads": (yes_or_no("slo" in told), "segments (SLO)") if told else silent,
        "server_copy": "yes",
        "sign_get": (yes_or_no("GET" in methods), "TempURL") if told else silent,
        "sign_put": (yes_or_no("PUT" in methods), "TempURL") if told else silent,
        "content_type": "yes",
        "metadata": "yes",
        "md5": ("yes", "of files without segments"),
        "consistent_listing": ("unknown", "listings may lag behind"),
        "long_names": "yes",
    }
    limits: Mapping[str, Limit | None] = {
        "page_size": swift.get("container_listing_limit"),
        "longest_name": swift.get("max_object_name_length"),
        "largest_put": swift.get("max_file_size"),
        "metadata_bytes": swift.get("max_meta_overall_size"),
        "slo_most_segments": slo.get("max_manifest_segments"),
        "slo_smallest_segment": slo.get("min_segment_size"),
        "slo_largest_manifest": slo.get("max_manifest_size"),
        "tempurl_methods": methods or None,
        "tempurl_digests": tuple(signing.get("allowed_digests", ())) or None,
        "bulk_delete": told.get("bulk_delete", {}).get("max_deletes_per_request"),
    }
    version = swift.get("version", "")
    return _capabilities(
        storage, f"OpenStack Swift {version} at {origin}".replace("  ", " "), answers, limits, told=True
    )


def _versions_of_container(storage: Any) -> Fact:  # noqa: ANN401 - a SwiftStorage
    filesystem = storage.filesystem
    try:
        headers = filesystem.run(filesystem.client.request, "HEAD", storage.path.parts[0]).headers
    except StorageError as error:
        return Fact("unknown", "tried", str(error))
    enabled = headers.get("X-Versions-Enabled", "").lower() == "true"
    elsewhere = any(f"X-{name}-Location" in headers for name in ("Versions", "History"))
    return Fact(yes_or_no(enabled or elsewhere), "told")


def _several_ranges(storage: Any, name: str) -> bool:  # noqa: ANN401 - a SwiftStorage
    filesystem = storage.filesystem
    answer = filesystem.run(
        filesystem.client.request, "GET", str(storage.path / name), headers={"Range": "bytes=0-1,4-5"}
    )
    return bool(answer.headers.get("Content-Type", "").startswith("multipart/byteranges"))


SERVICES: Mapping[str, Service] = {
    "CloudStorage": Service(_cloud, _not_known),
    "LocalStorage": Service(_local, _versions_of_directory),
    "S3Storage": Service(_s3, _versions_of_bucket),
    "SwiftStorage": Service(_swift, _versions_of_container, _several_ranges),
    "FsspecStorage": Service(_fsspec, _not_known),
    "Storage": Service(lambda storage: _capabilities(storage, type(storage).__name__, {}), _not_known),
}
"""Name of a storage's class to what is known of its kind."""
