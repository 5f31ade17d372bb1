"""Credentials from `clouds.yaml`."""

import pytest

from modos.errors import InvalidInputError
from modos.swift import (
    KeystoneApplicationCredential,
    KeystoneV2Password,
    KeystoneV3Password,
    TokenCredentials,
    credentials_from_cloud,
    credentials_from_environment,
)

AUTH = "https://keystone.example.org:5000/v3"
TEXT = f"""
clouds:
  lab:
    auth_type: v3password
    region_name: One
    interface: public
    identity_api_version: 3
    auth: {{auth_url: "{AUTH}", username: me, password: hush, project_name: lab, user_domain_name: Default, trust_id: x}}
  robot:
    auth_type: v3applicationcredential
    auth: {{auth_url: "{AUTH}", application_credential_id: id, application_credential_secret: hush}}
  old:
    identity_api_version: "2.0"
    auth: {{auth_url: "{AUTH}", username: me, password: hush, tenant_name: lab}}
  split:
    auth: {{auth_url: "{AUTH}", username: me, project_id: p}}
"""
SECRET = "clouds: {split: {auth: {password: hush}}}"


@pytest.fixture
def clouds(tmp_path, monkeypatch):
    """A working directory with both files."""
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clouds.yaml").write_text(TEXT)
    (tmp_path / "secure.yaml").write_text(SECRET)
    return tmp_path / "clouds.yaml"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "lab",
            KeystoneV3Password(
                AUTH, "hush", username="me", project_name="lab", user_domain_name="Default", region_name="One"
            ),
        ),
        ("robot", KeystoneApplicationCredential(AUTH, "id", "hush")),
        ("old", KeystoneV2Password(AUTH, "me", "hush", project_name="lab")),
        ("split", KeystoneV3Password(AUTH, "hush", username="me", project_id="p")),
    ],
)
def test_an_entry_is_credentials(clouds, tmp_path_factory, monkeypatch, name, expected):
    """Found in the working directory, by OS_CLIENT_CONFIG_FILE, by path, and by OS_CLOUD, they are the same."""
    assert credentials_from_cloud(name) == expected
    assert credentials_from_environment({"OS_CLOUD": name}) == expected
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert credentials_from_cloud(name, path=clouds) == expected
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", str(clouds.with_name("secure.yaml")))
    assert credentials_from_cloud(name) == expected


def test_a_token_goes_before_a_cloud(clouds):
    """What is at hand needs no login."""
    environ = {"OS_CLOUD": "lab", "OS_STORAGE_URL": "https://host/v1/lab", "OS_AUTH_TOKEN": "t"}
    assert credentials_from_environment(environ) == TokenCredentials("https://host/v1/lab", "t")


def test_what_is_missing_is_named(clouds, monkeypatch):
    """The entry, the file, or what the entry lacks; and never a secret."""
    with pytest.raises(InvalidInputError, match=r"no cloud 'lap'; did you mean 'lab'"):
        credentials_from_cloud("lap")
    (clouds.with_name("secure.yaml")).unlink()
    with pytest.raises(InvalidInputError, match="password missing") as caught:
        credentials_from_cloud("split")
    assert caught.value.__notes__ == ["in the cloud 'split' of clouds.yaml"]
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "nowhere")
    with pytest.raises(InvalidInputError, match=r"there is no clouds.yaml with the cloud 'lab'"):
        credentials_from_cloud("lab")


@pytest.mark.parametrize(
    "text", ["hush", "", "clouds: [hush]", "clouds: {lab: hush}", "clouds: {hush", b"\xff\xfehush"]
)
def test_what_is_no_such_file_is_not_shown(clouds, text):
    """Its content may be secret."""
    clouds.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInputError, match="must be YAML") as caught:
        credentials_from_cloud("lab")
    assert "hush" not in str(caught.value)
