"""Credentials from `clouds.yaml`."""

import pwd
from functools import partial
from pathlib import Path

import pytest

from modos.errors import InvalidInputError
from modos.swift import (
    KeystoneApplicationCredential,
    KeystoneV2Password,
    KeystoneV3Password,
    TokenCredentials,
    Transport,
    credentials_from_cloud,
    credentials_from_environment,
    credentials_from_options,
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
  named:
    auth: {{auth-url: "{AUTH}", application_credential_name: robot, application_credential_secret: hush, user_id: u}}
  vendor:
    profile: campus
    auth: {{username: me, password: hush, project_name: lab, domain_name: Lab}}
"""
PROFILES = """
public-clouds:
  campus:
    auth: {auth_url: "https://{region_name}.campus.example.org/v3", project_name: none}
    endpoint_type: internalURL
    cacert: ~/campus.pem
    regions: [East, {name: West, values: {interface: public, auth: {user_domain_name: West}}}]
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
                AUTH,
                "hush",
                username="me",
                project_name="lab",
                user_domain_name="Default",
                region_name="One",
                interface="public",
            ),
        ),
        ("robot", KeystoneApplicationCredential(AUTH, "id", "hush")),
        ("old", KeystoneV2Password(AUTH, "me", "hush", project_name="lab")),
        ("split", KeystoneV3Password(AUTH, "hush", username="me", project_id="p")),
        (
            "named",
            KeystoneApplicationCredential(AUTH, None, "hush", application_credential_name="robot", user_id="u"),
        ),
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


def vendors(region, interface, **domains):
    return KeystoneV3Password(
        f"https://{region}.campus.example.org/v3",
        "hush",
        username="me",
        project_name="lab",
        **{"user_domain_name": "Lab", "project_domain_name": "Lab", **domains},
        region_name=region,
        interface=interface,
        transport=Transport(cacert=Path("~/campus.pem").expanduser()),
    )


@pytest.mark.parametrize("beside", [True, False])
def test_a_profile_is_laid_beneath_an_entry(clouds, tmp_path_factory, monkeypatch, beside):
    """What the entry says goes before; of the regions that a profile lists the first is taken, or the one that is wanted."""
    if beside:
        path, environ = clouds, {}
    else:
        home = tmp_path_factory.mktemp("home")
        monkeypatch.setenv("HOME", str(home))
        (home / ".config/openstack").mkdir(parents=True)
        path, environ = None, {"OS_CLIENT_CONFIG_FILE": str(clouds)}
    folder = clouds.parent if beside else home / ".config/openstack"
    (folder / "clouds-public.yml").write_text(PROFILES)
    made = partial(credentials_from_cloud, "vendor", path=path, environ=environ)
    assert made() == vendors("East", "internal")
    assert made(region_name="West") == vendors("West", "public", user_domain_name="West")
    with pytest.raises(InvalidInputError, match="no region 'Wets'; did you mean 'West'"):
        made(region_name="Wets")


def test_the_environment_chooses_a_region(clouds):
    """OS_REGION_NAME goes before what the entry says."""
    assert credentials_from_environment({"OS_CLOUD": "lab", "OS_REGION_NAME": "Two"}).region_name == "Two"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("verify: true", None),
        ("verify: false", Transport(insecure=True)),
        ("verify: 'False', cacert: a.pem", Transport(insecure=True, cacert="a.pem")),
        ("insecure: true", Transport(insecure=True)),
        ("insecure: no", None),
        ("cacert: a.pem, cert: b.pem, key: b.key", Transport(cacert="a.pem", cert="b.pem", cert_key="b.key")),
    ],
)
def test_tls_of_an_entry(clouds, said, expected):
    """Certificates are as the entry names them; options, and again credentials, keep them; `secure.yaml` may have them."""
    clouds.write_text(f"clouds: {{lab: {{auth: {{auth_url: '{AUTH}', username: me, project_id: p, password: hush}}}}}}")
    clouds.with_name("secure.yaml").write_text(f"clouds: {{lab: {{{said}}}}}")
    made = credentials_from_cloud("lab")
    assert made.transport == expected
    assert credentials_from_options(**made.as_options()) == made


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("profile: campsu", r"no profile 'campsu'; did you mean 'campus'"),
        ("auth_type: v3totp", r"auth_type 'v3totp'; known are password"),
        pytest.param(
            "interface: outer, auth: {auth_url: u, username: me, password: hush, project_id: p}",
            r"interface must be one of public, internal, admin, not 'outer'",
            id="interface",
        ),
        ("regions: [{values: {}}]", "`regions` must list names"),
        ("regions: 5", "`regions` must list names"),
        ("regions: One", "`regions` must list names"),
        (
            "auth: {auth_url: 'https://host/v3', application_credential_name: robot}",
            "application_credential_secret, username",
        ),
    ],
)
def test_what_an_entry_cannot_say(clouds, said, message):
    """It is one sentence, with a note of where."""
    clouds.with_name("clouds-public.yaml").write_text(PROFILES)
    clouds.write_text(f"clouds: {{lab: {{{said}}}}}")
    clouds.with_name("secure.yaml").unlink()
    with pytest.raises(InvalidInputError, match=message) as caught:
        credentials_from_cloud("lab")
    assert caught.value.__notes__ == ["in the cloud 'lab' of clouds.yaml"]


def test_a_region_that_reads_as_a_number_is_a_name(clouds):
    """YAML takes `1` for a number, and people leave out the quotes."""
    clouds.write_text(TEXT.replace("region_name: One", "region_name: 1"))
    assert credentials_from_cloud("lab").region_name == "1"


def test_a_profile_that_is_not_there_matters_only_where_it_is_needed(clouds):
    """OpenStack's tools bring profiles of their own, which here are not known; an entry with an address needs none."""
    clouds.write_text(TEXT.replace("region_name: One", "profile: famous"))
    assert credentials_from_cloud("lab").auth_url == AUTH


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


def test_a_user_without_a_home_has_no_file_there(clouds, monkeypatch):
    """As in a container that runs as any user: the other places are looked at, and what is missing is named."""

    def nobody(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    clouds.unlink()
    with pytest.raises(InvalidInputError, match="with the cloud 'lab'"):
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
