"""Every error that modos raises, in one tree.

Each is a `ModosError` and also the builtin that a Python user expects, carries its data as attributes, and survives
pickling. Knows nothing of the rooms that raise them.

```text
ModosError
├── InvalidInputError (ValueError)          the caller's words are wrong; nothing was touched
│   ├── InvalidPathError                    a path or target that may not be used
│   │   └── InvalidURLError                 an address that cannot be read
│   │       └── URLPipelineError            an address `root|adapter|…` that cannot be read or resolved
│   ├── InvalidElementError                 an element: unknown slot, bad value, missing slot
│   ├── InvalidDocumentError                a description that cannot be read
│   ├── DanglingLinkError                   a link to an element that is not there
│   └── UnusedOptionsError (TypeError)      options for a place that takes none
├── StorageError (OSError)                  a storage did not do what it was asked; names the URL
│   ├── KeyNotFoundError (FileNotFoundError)    404, the only error that means "missing"
│   ├── KeyExistsError (FileExistsError)        create-only, and something is there
│   ├── KeyChangedError                         to be replaced only while unchanged, and it is not
│   ├── AuthenticationError (PermissionError)   401: who are you?
│   ├── AccessDeniedError (PermissionError)     403: not you
│   ├── ServiceError                            any other refusal, with its status
│   │   └── ServiceUnavailableError             429, 503: still so after retries
│   ├── StorageTimeoutError (TimeoutError)      no answer in time
│   ├── UnreachableError (ConnectionError)      no connection: refused, unknown host, TLS
│   ├── IntegrityError                          the bytes are not those that were sent or recorded
│   ├── ReadOnlyError (PermissionError)         opened for reading only
│   └── UnsupportedFormatError (NotImplementedError)    stored in a way that is not read here
├── ObjectError                             a digital object is not as it must be
│   ├── ObjectNotFoundError (FileNotFoundError) no object at this address
│   ├── ObjectExistsError (FileExistsError)     an object is there already
│   ├── DamagedObjectError (ValueError)         its metadata cannot be read
│   ├── ElementNotFoundError (KeyError)
│   ├── ElementExistsError (ValueError)
│   ├── ConflictError (ValueError)              another edit, made meanwhile, says otherwise
│   └── FileConflictError (FileExistsError)     a data file belongs to another element
├── EncryptionError                         what is encrypted, or a key, cannot be used
│   ├── NotEncryptedError (ValueError)          not a crypt4gh file, or not one that is read here
│   ├── InvalidKeyError (ValueError)            a key, its file or its passphrase
│   ├── WrongKeyError (PermissionError)         none of the keys opens it
│   └── TamperedError (ValueError)              not what was written: changed, exchanged, added to
│       └── TruncatedError                      cut off
└── MissingDependencyError (ImportError)    an extra is not installed
```
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AccessDeniedError",
    "AuthenticationError",
    "ConflictError",
    "DamagedObjectError",
    "DanglingLinkError",
    "ElementExistsError",
    "ElementNotFoundError",
    "EncryptionError",
    "FileConflictError",
    "IntegrityError",
    "InvalidDocumentError",
    "InvalidElementError",
    "InvalidInputError",
    "InvalidKeyError",
    "InvalidPathError",
    "InvalidURLError",
    "KeyChangedError",
    "KeyExistsError",
    "KeyNotFoundError",
    "MissingDependencyError",
    "ModosError",
    "NotEncryptedError",
    "ObjectError",
    "ObjectExistsError",
    "ObjectNotFoundError",
    "ReadOnlyError",
    "ServiceError",
    "ServiceUnavailableError",
    "StorageError",
    "StorageTimeoutError",
    "TamperedError",
    "TruncatedError",
    "URLPipelineError",
    "UnreachableError",
    "UnsupportedFormatError",
    "UnusedOptionsError",
    "WrongKeyError",
]

DISTRIBUTION = "modos-objects"

_CREDENTIALS = re.compile(r"(?<=//)(?!\[)[^/?#@:]*:(?![0-9]{1,5}[/?#]|:[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
"""Where a user and a password begin in an address, which no message repeats: a port is none, nor is one in brackets."""

_SIGNATURE = re.compile(
    r"([?&][^=&|#?]{0,60}?(?:sig|token|credential|password|secret|key)[^=&|#?]{0,60}=)[^&|#]+", re.IGNORECASE
)
"""What signs an address, by name and value; of the value no message says anything."""


class ModosError(Exception):
    """Anything that modos refuses or that went wrong while it worked.

    Context is added with `add_note` on the way up and printed by the command line.
    """


class InvalidInputError(ModosError, ValueError):
    """What the caller gave cannot be used; nothing was touched.

    Parameters
    ----------
    reason
        One sentence: what was wrong and what would be right.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidPathError(InvalidInputError):
    """A path, target, key, bucket or container name that may not be used.

    Parameters
    ----------
    path
        The text that was refused.
    reason
        Why, as a clause: "is absolute".
    """

    def __init__(self, path: str, reason: str = "is not a valid path") -> None:
        super().__init__(reason)
        self.args = (path,)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{_shortened(self.path)!r} {self.reason}"


class InvalidURLError(InvalidPathError):
    """An address that cannot be read, or that no storage serves; a password or signature in it is not repeated."""

    def __init__(self, path: str, reason: str = "is not a valid address") -> None:
        super().__init__(shown_url(path), reason)


class URLPipelineError(InvalidURLError):
    """An address of the form `root|adapter|…` that cannot be read or resolved.

    Parameters
    ----------
    url
        The whole address.
    reason
        What is wrong and what would be right, as a clause.
    part
        The piece between two bars that is wrong; `None` where it is the address as a whole.
    """

    def __init__(self, url: str, reason: str = "cannot be resolved", *, part: str | None = None) -> None:
        super().__init__(url, reason)
        self.part = None if part is None else shown_url(part)

    def __str__(self) -> str:
        if self.part in {None, self.path}:
            return super().__str__()
        return f"{_shortened(self.path)!r}: {_shortened(self.part or '')!r} {self.reason}"


class InvalidElementError(InvalidInputError):
    """An element whose slots are not as the schema wants them.

    Parameters
    ----------
    reason
        One sentence that names the slot, the value and what is allowed.
    slot, value
        The slot and what it was given; `None` where the mistake is in the element as a whole.
    allowed
        The values or names that would have been accepted, where they can be listed.
    """

    def __init__(
        self, reason: str, *, slot: str | None = None, value: object = None, allowed: Iterable[str] = ()
    ) -> None:
        super().__init__(reason)
        self.slot = slot
        self.value = value
        self.allowed = tuple(allowed)


class InvalidDocumentError(InvalidInputError):
    """A description (YAML, JSON, CSV, RDF) that cannot be read."""


class DanglingLinkError(InvalidInputError):
    """A link that names an element which is not in the object.

    Parameters
    ----------
    link
        The link as it was written.
    slot
        The slot that holds it.
    owner
        The id of the element that has the slot.
    known
        Ids that exist, of which close ones are suggested.
    """

    def __init__(self, link: str, slot: str = "", owner: str = "", known: Iterable[str] = ()) -> None:
        super().__init__("links to an element that does not exist")
        self.args = (link,)
        self.link = link
        self.slot = slot
        self.owner = owner
        self.known = tuple(known)

    def __str__(self) -> str:
        return (
            f"{self.slot} of {self.owner} links to {self.link!r}, which is not in the object"
            f"{suggestion(self.link, self.known)}"
        )


class UnusedOptionsError(InvalidInputError, TypeError):
    """Options were given for a place that takes none."""


class StorageError(ModosError, OSError):
    """A storage did not do what it was asked.

    Parameters
    ----------
    url
        Address of what was asked for; never holds a secret.
    reason
        Why, as a clause. Empty for the usual sentence of the class.
    status
        The HTTP status, `None` where there was no answer or no HTTP.
    """

    usual = "the storage could not do this"

    def __init__(self, url: str, reason: str = "", *, status: int | None = None) -> None:
        super().__init__(shown_url(url))
        self.url = shown_url(url)
        self.reason = reason
        self.status = status

    def __str__(self) -> str:
        status = f" (HTTP {self.status})" if self.status else ""
        return f"{self.url}: {self.reason or self.usual}{status}"


class KeyNotFoundError(StorageError, FileNotFoundError):
    """Nothing is stored under this name: the only error that means "missing"."""

    usual = "there is nothing here"


class KeyExistsError(StorageError, FileExistsError):
    """Something is stored under this name, and the write was to create it."""

    usual = "there is something here already"


class KeyChangedError(StorageError):
    """What is stored under this name is no longer what the write was to replace."""

    usual = "it has changed, or is gone, since it was looked at"


class AuthenticationError(StorageError, PermissionError):
    """The service does not accept these credentials (401)."""

    usual = "the service does not accept these credentials; check the user, the key and whether the token has expired"


class AccessDeniedError(StorageError, PermissionError):
    """The service knows who asks and refuses (403)."""

    usual = "these credentials have no right to do this"


class ServiceError(StorageError):
    """The service answered with a refusal that has no class of its own."""

    usual = "the service failed"


class ServiceUnavailableError(ServiceError):
    """The service is overloaded or down (429, 503), still so after the retries."""

    usual = "the service is overloaded or down; it was asked several times"


class StorageTimeoutError(StorageError, TimeoutError):
    """No answer in time, still so after the retries."""

    usual = "no answer in time"


class UnreachableError(StorageError, ConnectionError):
    """No connection: refused, unknown host or failed TLS handshake."""

    usual = "no connection; check the address and the network"


class IntegrityError(StorageError):
    """The bytes are not those that were sent, promised or recorded."""

    usual = "the bytes that arrived are not those that were promised"


class ReadOnlyError(StorageError, PermissionError):
    """The storage was opened for reading only."""

    usual = "opened for reading only"


class UnsupportedFormatError(StorageError, NotImplementedError):
    """The bytes are there, and are stored in a way that is not read here."""

    usual = "stored in a way that is not read here"


class ObjectError(ModosError):
    """A digital object is not as the operation needs it.

    Parameters
    ----------
    url
        Address of the object.
    reason
        Why, as a clause. Empty for the usual sentence of the class.
    """

    usual = "the object cannot be used"

    def __init__(self, url: str, reason: str = "") -> None:
        super().__init__(shown_url(url))
        self.url = shown_url(url)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.url}: {self.reason or self.usual}"


class ObjectNotFoundError(ObjectError, FileNotFoundError):
    """There is no digital object at this address."""

    usual = "there is no digital object here"


class ObjectExistsError(ObjectError, FileExistsError):
    """There is a digital object at this address already."""

    usual = "there is a digital object here already"


class DamagedObjectError(ObjectError, ValueError):
    """The metadata of the object cannot be read."""

    usual = "the metadata of this object cannot be read"


class ElementNotFoundError(ObjectError, KeyError):
    """The object has no such element, or the element no such array.

    Parameters
    ----------
    element
        The id that was asked for, or the path of the array.
    known
        Ids that exist, of which close ones are suggested.
    """

    def __init__(self, element: str, known: Iterable[str] = ()) -> None:
        super().__init__(element)
        self.element = element
        self.known = tuple(known)

    def __str__(self) -> str:
        thing = "array" if _is_array(self.element) else "element"
        return f"there is no {thing} {self.element!r}{suggestion(self.element, self.known)}"


class ElementExistsError(ObjectError, ValueError):
    """The object has an element with this id already, or an array of this path."""

    def __str__(self) -> str:
        if _is_array(self.url):
            return f"there is an array {self.url!r} already; choose another name, or replace it by overwrite=True"
        return f"there is an element {self.url!r} already; choose another id or update it"


def _is_array(path: str) -> bool:
    return path.count("/") > 1  # beneath that of an element, `kind/name`


class ConflictError(ObjectError, ValueError):
    """An edit, and another that was made meanwhile, want the same thing to be different; the edit was not made.

    Parameters
    ----------
    place
        Id of the element, or of the object itself, or path of the array.
    slot
        The slot; `None` for the element or the array as a whole.
    ours, theirs
        What the edit set and what is set now; `None` where that is nothing: not there, or removed.
    reason
        Why, as a clause, where it is not about two values. Empty for these.
    """

    def __init__(
        self, place: str, slot: str | None = None, *, ours: object = None, theirs: object = None, reason: str = ""
    ) -> None:
        super().__init__(place, reason)
        self.place = place
        self.slot = slot
        self.ours = ours
        self.theirs = theirs

    def __str__(self) -> str:
        what = f"{self.slot} of {self.place}" if self.slot else self.place
        if self.reason:
            return f"{what}: {self.reason}"
        wanted, found = (_shown(value) if self.slot else _change_of(value) for value in (self.ours, self.theirs))
        meanwhile = f"this edit: {wanted}; another, made meanwhile: {found}"
        return f"{what}: {meanwhile}; nothing was changed, look at what is there now and edit again"


class FileConflictError(ObjectError, FileExistsError):
    """A data file that belongs to another element, or that is there unasked.

    Parameters
    ----------
    path
        The file, relative to the object.
    owner
        Id of the element that the file belongs to; empty when none describes it.
    """

    def __init__(self, path: str, owner: str = "") -> None:
        super().__init__(path)
        self.path = path
        self.owner = owner

    def __str__(self) -> str:
        whose = f"belongs to {self.owner}" if self.owner else "is in the object already"
        return f"the file {self.path!r} {whose}; choose another data_path"


class EncryptionError(ModosError):
    """Something encrypted, or a key, cannot be used; neither a key nor a passphrase is ever part of it.

    Parameters
    ----------
    reason
        What is wrong, as a clause.
    segment
        Which segment of the body it is about, from 0; `None` where it is about the whole.
    file
        Name or address of the file; empty where it is a stream, which has none.
    """

    def __init__(self, reason: str, *, segment: int | None = None, file: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.segment = segment
        self.file = file

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        which = "" if self.segment is None else f"segment {self.segment}: "
        return f"{where}{which}{self.reason}"


class NotEncryptedError(EncryptionError, ValueError):
    """Not a crypt4gh file, or of a version or with a header that cannot be read."""


class InvalidKeyError(EncryptionError, ValueError):
    """A key that cannot be used: its file cannot be read, or not with this passphrase."""


class WrongKeyError(EncryptionError, PermissionError):
    """None of the keys opens the file."""


class TamperedError(EncryptionError, ValueError):
    """The content is not what was written: changed, exchanged, doubled or added to."""


class TruncatedError(TamperedError):
    """The content ends before its end."""


class MissingDependencyError(ModosError, ImportError):
    """A package that only some users need is not installed.

    Parameters
    ----------
    module
        The module that could not be imported.
    extra
        The extra of this distribution that installs it.
    purpose
        What it is needed for.
    """

    def __init__(self, module: str, *, extra: str = "all", purpose: str = "this") -> None:
        super().__init__(module)
        self.module = module
        self.extra = extra
        self.purpose = purpose

    def __str__(self) -> str:
        return f"{self.purpose} needs {self.module}: pip install '{DISTRIBUTION}[{self.extra}]'"


def shown_url(url: str) -> str:
    """Return an address as messages show it: without the password in it, and without what it is signed with.

    Examples
    --------
    >>> shown_url("https://host/a.zip?temp_url_sig=9f86d0&temp_url_expires=1747900000|zip:")
    'https://host/a.zip?temp_url_sig=…&temp_url_expires=1747900000|zip:'
    """
    return _SIGNATURE.sub(r"\1…", "|".join(map(_without_password, url.split("|"))))


def _without_password(url: str) -> str:
    """Leave out user and password, up to the last `@`: what stands before it may be of the password, whatever signs it has."""
    before, _, after = url.rpartition("@")
    found = _CREDENTIALS.search(before)
    return f"{before[: found.start()]}…@{after}" if found else url


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return `"; did you mean 'x'?"` for the known names close to a wrong one, else an empty string.

    The same name in another case goes before any other.

    Examples
    --------
    >>> suggestion("sampel1", ["sample1", "assay1"])
    "; did you mean 'sample1'?"
    >>> suggestion("cram", ["BAM", "CRAM"])
    "; did you mean 'CRAM'?"
    """
    wrong, names = wrong[:_LONGEST_SHOWN], [name for name in known if len(name) <= _LONGEST_SHOWN]
    same = [name for name in names if name.casefold() == wrong.casefold()]
    close = same[:3] or get_close_matches(wrong, names, n=3)
    return f"; did you mean {' or '.join(repr(name) for name in close)}?" if close else ""


_LONGEST_SHOWN = 200


def _shown(value: object) -> str:
    return "unset" if value is None else _shortened(repr(value))


def _change_of(value: object) -> str:
    return "removed" if value is None else f"changed or added, {_shortened(repr(value))}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
