"""What an exception of a client library means: the one place that knows aiohttp's, botocore's, obstore's and their like.

Owns the tables from statuses and codes to errors of ours. Knows no storage and makes no request.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from modos.errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    KeyChangedError,
    KeyExistsError,
    KeyNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    StorageError,
    StorageTimeoutError,
    UnreachableError,
)

__all__ = [
    "CHANGED",
    "asked_service",
    "causes",
    "meaning_in_fsspec",
    "meaning_in_obstore",
    "meaning_in_s3",
    "refusal",
    "status_of",
]

CHANGED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})
"""How a service answers that a file is not what it must be for a change: gone, being changed, or another one."""

BY_STATUS: Mapping[int, type[StorageError]] = {
    401: AuthenticationError,
    403: AccessDeniedError,
    404: KeyNotFoundError,
    408: StorageTimeoutError,
    410: KeyNotFoundError,
    429: ServiceUnavailableError,
    503: ServiceUnavailableError,
}

BY_CODE: Mapping[str, type[StorageError]] = {
    "AuthenticationFailed": AuthenticationError,
    "BadDigest": IntegrityError,
    "ExpiredToken": AuthenticationError,
    "InvalidAccessKeyId": AuthenticationError,
    "InvalidToken": AuthenticationError,
    "PreconditionFailed": KeyExistsError,
    "SignatureDoesNotMatch": AuthenticationError,
    "XAmzContentSHA256Mismatch": IntegrityError,
}

_REASONS = {
    "BadDigest": "the service received other bytes than were sent",
    "ContainerNotFound": "there is no such container",
    "NoSuchBucket": "there is no such bucket",
}
_HOW_TO_SIGN_IN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ask anonymously"
_CUT_SHORT = "the connection broke before the whole body had come"
_CHECK = "check the address and the network"
_NOT_ACCEPTED = "the service does not accept these credentials, or not for this"

_OBSTORE_STATUS = re.compile(r"status code: (\d{3})|status: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
_SERVICE = re.compile(r"https?://[^/\s\"'@]+(?=[/\s\"']|$)")
_KIND = re.compile(r"kind: (Connect|Timeout|Interrupted|Decode|Request)\b")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def asked_service(error: BaseException) -> str | None:
    """Return the service that an exception says was asked, `None` where it says none.

    Examples
    --------
    >>> asked_service(OSError('Could not connect to the endpoint URL: "https://s3.example.org/omics?list-type=2"'))
    'https://s3.example.org'
    """
    named = (_SERVICE.search(str(each)) for each in causes(error))
    return next((found[0] for found in named if found), None)


def refusal(url: str, status: int | None, code: str = "", message: str = "", *, bare: bool = False) -> StorageError:
    """Return the error for an answer that is a refusal.

    Parameters
    ----------
    url
        What was asked for.
    status, code, message
        What the service says.
    bare
        Whether the answer could have no body that tells more, as that of `HEAD`.

    Examples
    --------
    >>> refusal("s3://omics/ex", 403, "SignatureDoesNotMatch")
    AuthenticationError('s3://omics/ex')
    """
    kind = BY_CODE.get(code) or BY_STATUS.get(status or 0)
    if kind is None:
        return ServiceError(url, f"the service refused ({message or code or 'no reason given'})", status=status)
    reason = _NOT_ACCEPTED if bare and status == HTTPStatus.FORBIDDEN else _REASONS.get(code, "")
    return kind(url, reason, status=status)


def meaning_in_obstore(error: BaseException, url: str, service: str) -> StorageError | None:
    """Return what an exception of obstore means, `None` for one that is not of obstore.

    Its exceptions carry the answer as text only, from which status and code are read.
    """
    from obstore import exceptions as obstore

    conditions: Mapping[type[BaseException], type[StorageError]] = {
        obstore.AlreadyExistsError: KeyExistsError,
        obstore.PreconditionError: KeyChangedError,
    }
    for each in causes(error):
        text = str(each)
        if not isinstance(each, obstore.BaseError | FileNotFoundError):
            continue
        if type(each) in conditions:
            return conditions[type(each)](url)
        status = next((int(one or two) for one, two in _OBSTORE_STATUS.findall(text)), None)
        if status is not None and status >= HTTPStatus.BAD_REQUEST:
            code, message = (next(iter(found.findall(text)), "") for found in (_CODE, _MESSAGE))
            return refusal(url, status, code, message, bare="method: HEAD" in text)
        if isinstance(each, FileNotFoundError):
            return None
        return _broken(text, url, service)
    return None


def _broken(text: str, url: str, service: str) -> StorageError:
    """Return the error for an exchange that came to no answer, or to half of one."""
    kinds = _KIND.findall(text)
    if "Timeout" in kinds or "TimedOut" in text:
        return StorageTimeoutError(url, f"no answer in time from {service}")
    if "response body" in text or "Decode" in kinds or "IncompleteBody" in text:
        return IntegrityError(url, _CUT_SHORT)
    if kinds:
        return UnreachableError(url, f"no connection to {service}; {_CHECK}")
    said = text.partition("\n")[0]
    if "must be specified" in said:
        return AuthenticationError(url, f"{said}; give it as an option or set the service's variables")
    return ServiceError(url, said)


def meaning_in_s3(error: BaseException, url: str, service: str) -> StorageError | None:
    """Return what an exception of s3fs, botocore or aiohttp means, `None` for one that is of none of them."""
    from botocore import exceptions as boto

    kinds: Sequence[tuple[tuple[type[BaseException], ...], type[StorageError], str]] = (
        ((boto.ConnectTimeoutError, boto.ReadTimeoutError), StorageTimeoutError, f"no answer in time from {service}"),
        ((boto.ResponseStreamingError, boto.IncompleteReadError), IntegrityError, _CUT_SHORT),
        ((boto.HTTPClientError,), UnreachableError, f"no connection to {service}; {_CHECK}"),
    )
    for each in causes(error):
        if isinstance(each, boto.ClientError):
            answer = each.response
            status, said = answer.get("ResponseMetadata", {}).get("HTTPStatusCode"), answer.get("Error", {})
            bare = each.operation_name == "HeadObject"
            return refusal(url, status, said.get("Code", ""), said.get("Message", ""), bare=bare)
        if isinstance(each, boto.NoCredentialsError | boto.PartialCredentialsError | boto.ProfileNotFound):
            return AuthenticationError(url, f"{each}; {_HOW_TO_SIGN_IN}")
        for classes, meaning, reason in kinds:
            if isinstance(each, classes):
                return meaning(url, reason)
        if isinstance(each, ValueError) and "endpoint" in str(each):
            return UnreachableError(url, f"{each}; an endpoint looks like https://s3.example.org")
    return meaning_in_fsspec(error, url, service, only=("aiohttp",))


def meaning_in_fsspec(
    error: BaseException, url: str, service: str, *, only: Sequence[str] = ("aiohttp", "gcsfs", "azure")
) -> StorageError | None:
    """Return what an exception of aiohttp, gcsfs or Azure's client means, by class name: none of them is imported."""
    for each in causes(error):
        package = type(each).__module__.partition(".")[0]
        if package not in only:
            continue
        names = {kind.__name__ for kind in type(each).__mro__}
        for known, meaning, reason in _NAMED:
            if names & known:
                return meaning(url, reason.format(service=service))
        status = status_of(each)
        if status is not None:
            return refusal(url, status, str(getattr(each, "error_code", "") or ""), getattr(each, "message", "") or "")
    return None


_NAMED: Sequence[tuple[frozenset[str], type[StorageError], str]] = (
    (
        frozenset({"ServerTimeoutError", "ServiceRequestTimeoutError", "ServiceResponseTimeoutError"}),
        StorageTimeoutError,
        "no answer in time from {service}",
    ),
    (frozenset({"ClientPayloadError", "ContentLengthError", "IncompleteReadError"}), IntegrityError, _CUT_SHORT),
    (
        frozenset({"ClientConnectionError", "ServiceRequestError", "ServiceResponseError"}),
        UnreachableError,
        f"no connection to {{service}}; {_CHECK}",
    ),
    (frozenset({"ClientAuthenticationError"}), AuthenticationError, ""),
)


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an exception or its causes carry, whichever library's they are."""
    for each in causes(error):
        answer: Any = getattr(each, "response", None)
        if isinstance(answer, Mapping):
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
        else:
            status = getattr(each, "status", None) or getattr(each, "status_code", None) or getattr(each, "code", None)
        if isinstance(status, int):
            return status
        if "obstore" in type(each).__module__:
            if "StartTooLarge" in str(each):  # what it says of a service that ignored a range
                return HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            return next((int(one or two) for one, two in _OBSTORE_STATUS.findall(str(each))), None)
    return None
