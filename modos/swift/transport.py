"""How a service is reached: whose certificate is believed, and through which proxy.

Owns these options, as values that can be compared and pickled, and what they mean for TLS. Knows no request, no session
and no credentials.
"""

import os
import re
import ssl as tls
import urllib.request
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from modos.errors import InvalidInputError

__all__ = ["BROKEN_TLS", "TLS_OPTIONS", "Transport", "tls_refusal"]

TLS_OPTIONS = ("cacert", "insecure", "cert", "cert_key")
"""The options of a `Transport` that are about TLS."""

BROKEN_TLS = "the TLS handshake failed; check the address and the certificate"
_UNTRUSTED = (
    "its certificate is not one that is trusted here; `cacert` names the certificates of the authority that signed it"
)
_WANTED = "it wants a certificate of the client, from an authority that it trusts; `cert` names the file"
_ALERTS = re.compile(r"ALERT_(\w*CERTIFICATE|UNKNOWN_CA)")
_PROXIES = ("http://", "https://")


def tls_refusal(error: BaseException | None) -> str | None:
    """Return what to tell of a TLS connection of which one end does not trust the other, `None` for any other failure.

    Trying again would not help.

    Examples
    --------
    >>> tls_refusal(OSError("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"))
    'it wants a certificate of the client, from an authority that it trusts; `cert` names the file'
    """
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return _UNTRUSTED
    return _WANTED if _ALERTS.search(str(error)) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How a service is reached, for its data and for logging in alike.

    Parameters
    ----------
    cacert
        File with the certificates of the authorities to believe; `None` for those of the system, or the file that the
        environment variable `SSL_CERT_FILE` names.
    insecure
        Believe any certificate: whoever sits in between can read the token and change the data.
    cert, cert_key
        Files with a certificate of the client and its key; `None` for no certificate, and for a key in the same file.
    proxy
        Address of an HTTP proxy, `http://[user:password@]host:port`; `None` for none but the environment's.
    trust_env
        Whether `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are read, at the first request, where no proxy is given.

    Raises
    ------
    InvalidInputError
        The proxy is not the address of one.
    """

    cacert: str | os.PathLike[str] | None = None
    insecure: bool = False
    cert: str | os.PathLike[str] | None = None
    cert_key: str | os.PathLike[str] | None = None
    proxy: str | None = field(default=None, repr=False)
    trust_env: bool = True

    def __post_init__(self) -> None:
        for name in ("cacert", "cert", "cert_key"):
            if path := getattr(self, name):
                object.__setattr__(self, name, os.fspath(path))
        if self.proxy and not self.proxy.startswith(_PROXIES):
            raise InvalidInputError("the proxy must be an address that begins with http:// or https://")

    def or_tls_of(self, other: "Transport | None") -> "Transport":
        """Return the same, with the TLS of another where this one says nothing of TLS.

        Examples
        --------
        >>> Transport(trust_env=False).or_tls_of(Transport(cacert="lab.pem"))
        Transport(cacert='lab.pem', insecure=False, cert=None, cert_key=None, trust_env=False)
        >>> Transport(insecure=True).or_tls_of(Transport(cacert="lab.pem")).cacert
        """
        if other is None or any(getattr(self, name) for name in TLS_OPTIONS):
            return self
        return replace(self, **{name: getattr(other, name) for name in TLS_OPTIONS})

    def ssl(self) -> tls.SSLContext | Literal[True]:
        """Return what TLS connections are made with, `True` for the usual; reads the files.

        Raises
        ------
        InvalidInputError
            A file is not there, or not what it should be.
        """
        if not (self.cacert or self.cert or self.insecure):
            return True
        try:
            context = tls.create_default_context(cafile=self.cacert or None)
            if self.cert:
                context.load_cert_chain(self.cert, self.cert_key or None)
        except OSError as error:  # of which `ssl.SSLError` is one
            names = ", ".join(str(one) for one in (self.cacert, self.cert, self.cert_key) if one)
            raise InvalidInputError(f"no certificates can be read from {names}: {error}") from error
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = tls.CERT_NONE
        return context

    def for_requests(self) -> dict[str, Any]:
        """Return the same, as requests and keystoneauth take it."""
        self.ssl()  # tells what is wrong with a file better than requests does
        trusted = self.cacert or os.environ.get("SSL_CERT_FILE") or True
        cert = (self.cert, self.cert_key) if self.cert and self.cert_key else self.cert
        return {"verify": False if self.insecure else trusted, "cert": cert}

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy that leads to an address; `None` where it is reached directly."""
        if self.proxy or not self.trust_env:
            return self.proxy or None
        parts = urlsplit(url)
        found = urllib.request.getproxies().get(parts.scheme)
        if not found or (parts.hostname and urllib.request.proxy_bypass(parts.netloc)):
            return None
        found = found if "://" in found else f"http://{found}"
        return found if found.startswith(_PROXIES) else None
