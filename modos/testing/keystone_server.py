"""`KeystoneServer`: a real OpenStack Keystone for tests, and how a `SwiftServer` is told to believe it.

Owns its projects, users, catalogue and addresses. Must not know how Keystone is run, which is the business of the
process, nor anything of the clients.
"""

import http.client
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from modos._lazy import require
from modos.errors import InvalidInputError, ServiceError
from modos.testing._child import ChildServer
from modos.testing._keystone_process import ADMINISTRATOR
from modos.testing._swift_process import PIPELINE

__all__ = ["KeystoneServer"]

_PROCESS = Path(__file__).with_name("_keystone_process.py")
_PROJECTS: Mapping[str, Mapping[str, str]] = MappingProxyType({"lab": {"me": "secret"}})
_DOMAIN = {"id": "default"}
_ROLE = "member"
_NOT_OURS = frozenset({"tempauth", "s3api"})
_FIRST_ERROR = 400


class KeystoneServer(ChildServer):
    """A real OpenStack Keystone on this machine, for as long as a `with` block or a process lasts.

    One child process over a database in a scratch folder, with Fernet tokens. It speaks v3 only, as Keystone does since
    2018. Every user has the role `member` in its project.

    Parameters
    ----------
    projects
        Project to its users, user to its password; a user may be in several projects, with one password. All are in
        the domain `Default`.
    token_life
        Seconds that a token is valid.
    region
        Of the endpoints that are added without one.
    scratch
        Folder in which the scratch folder is made. `None` is the system's for temporary files.

    Raises
    ------
    InvalidInputError
        When there is no user.

    Examples
    --------
    >>> with KeystoneServer() as keystone, SwiftServer(settings=keystone.swift_settings) as swift:  # doctest: +SKIP
    ...     keystone.add_endpoint(swift.url)
    ...     fs = SwiftFileSystem(auth_url=keystone.url, username="me", password="secret", project_name="lab")
    """

    def __init__(
        self,
        *,
        projects: Mapping[str, Mapping[str, str]] = _PROJECTS,
        token_life: float = 3600,
        region: str = "RegionOne",
        scratch: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(_PROCESS, scratch=scratch)
        self._projects = {project: dict(users) for project, users in projects.items()}
        if not any(self._projects.values()):
            raise InvalidInputError("a KeystoneServer needs at least one project with one user")
        self._token_life = token_life
        self.region = region
        self._password = secrets.token_urlsafe(24)
        self._ids: dict[tuple[str, str], str] = {}

    @property
    def url(self) -> str:
        """Address at which credentials are changed for a token, such as `http://127.0.0.1:40519/v3`."""
        return f"{super().url}/v3"

    @property
    def swift_settings(self) -> dict[str, dict[str, object]]:
        """The `settings` of a `SwiftServer` that believes the tokens of this server, and asks it about each one.

        Swift's own authentication is not there then, and with it S3, `SwiftServer.token` and `SwiftServer.storage_url`.
        """
        filters = [name for name in PIPELINE.split() if name not in _NOT_OURS]
        where = filters.index("copy")
        return {
            "pipeline:main": {"pipeline": " ".join([*filters[:where], "authtoken", "keystoneauth", *filters[where:]])},
            "filter:authtoken": {
                "paste.filter_factory": "keystonemiddleware.auth_token:filter_factory",
                "www_authenticate_uri": self.url,
                "auth_url": self.url,
                "auth_type": "password",
                "username": ADMINISTRATOR,
                "password": self._password,
                "project_name": ADMINISTRATOR,
                "user_domain_id": _DOMAIN["id"],
                "project_domain_id": _DOMAIN["id"],
                "delay_auth_decision": "true",  # signed and public addresses come without a token
                "token_cache_time": -1,  # what is revoked is refused at once
            },
            "filter:keystoneauth": {"operator_roles": f"admin, {_ROLE}"},
        }

    def project_id(self, project: str) -> str:
        """Return the id that Keystone has given to a project; its account in Swift is `AUTH_` with that."""
        return self._ids["projects", project]

    def user_id(self, user: str) -> str:
        """Return the id that Keystone has given to a user."""
        return self._ids["users", user]

    def add_endpoint(self, swift: str, *, interface: str = "public", region: str | None = None) -> None:
        """Put an object store in the catalogue.

        Parameters
        ----------
        swift
            Address of the server, as `SwiftServer.url`.
        interface
            `"public"`, `"internal"` or `"admin"`.
        region
            `None` is the region of this server.
        """
        token = self._administrator()
        region = region or self.region
        if ("services", "swift") not in self._ids:
            self._make("services", {"type": "object-store", "name": "swift"}, token)
        if region != self.region and ("regions", region) not in self._ids:
            self._ids["regions", region] = self._ask("POST", "/regions", {"region": {"id": region}}, token)[1][
                "region"
            ]["id"]
        endpoint = {
            "interface": interface,
            "region_id": region,
            "service_id": self._ids["services", "swift"],
            "url": f"{swift}/v1/AUTH_$(project_id)s",
        }
        self._ask("POST", "/endpoints", {"endpoint": endpoint}, token)

    def add_application_credential(self, name: str, *, user: str, project: str) -> tuple[str, str]:
        """Make an application credential for a user in a project, and return its id and secret."""
        token = self.token(user, project)
        path = f"/users/{self.user_id(user)}/application_credentials"
        made = self._ask("POST", path, {"application_credential": {"name": name}}, token)[1]["application_credential"]
        return made["id"], made["secret"]

    def token(self, user: str, project: str) -> str:
        """Return a new token for a user in a project."""
        who = {"id": self.user_id(user), "password": self._projects[project][user]}
        return self._token_of(who, {"id": self.project_id(project)})

    def revoke(self, token: str) -> None:
        """End a token before its time."""
        self._ask("DELETE", "/auth/tokens", None, self._administrator(), {"X-Subject-Token": token})

    def _request(self) -> Mapping[str, object]:
        for module in ("keystone", "keystonemiddleware"):
            require(module, extra="keystone-server", purpose="a test server for OpenStack Keystone")
        return {"password": self._password, "region": self.region, "token_life": self._token_life}

    def _fill(self) -> None:
        self._ids = {}
        token = self._administrator()
        roles = self._ask("GET", f"/roles?name={_ROLE}", None, token)[1]["roles"]
        for project, users in self._projects.items():
            self._make("projects", {"name": project, "domain_id": _DOMAIN["id"]}, token)
            for user, password in users.items():
                if ("users", user) not in self._ids:
                    self._make("users", {"name": user, "password": password, "domain_id": _DOMAIN["id"]}, token)
                whose = f"/projects/{self.project_id(project)}/users/{self.user_id(user)}"
                self._ask("PUT", f"{whose}/roles/{roles[0]['id']}", None, token)

    def _make(self, kind: str, what: Mapping[str, str], token: str) -> None:
        made = self._ask("POST", f"/{kind}", {kind.removesuffix("s"): what}, token)[1]
        self._ids[kind, what["name"]] = made[kind.removesuffix("s")]["id"]

    def _administrator(self) -> str:
        user = {"name": ADMINISTRATOR, "domain": _DOMAIN, "password": self._password}
        return self._token_of(user, {"name": ADMINISTRATOR, "domain": _DOMAIN})

    def _token_of(self, user: Mapping[str, Any], project: Mapping[str, Any]) -> str:
        identity = {"methods": ["password"], "password": {"user": user}}
        asked = {"auth": {"identity": identity, "scope": {"project": project}}}
        return str(self._ask("POST", "/auth/tokens", asked)[0]["X-Subject-Token"])

    def _ask(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Mapping[str, str], Any]:
        """Return the headers and the content of the answer to a request of Keystone's own interface."""
        body = None if content is None else json.dumps(content)
        sent = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {}), **(headers or {})}
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        try:
            connection.request(method, address.path + path, body, sent)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status >= _FIRST_ERROR:
            raise ServiceError(self.url + path, told.decode(errors="replace"), status=answer.status)
        return dict(answer.getheaders()), json.loads(told or b"null")
