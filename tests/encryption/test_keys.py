"""Keys and key files, of this program, of the reference and of OpenSSH."""

import base64
import os
import pickle
import shlex
import struct
import subprocess
import sys

import crypt4gh.keys
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from modos.encryption import (
    PublicKey,
    SecretKey,
    find_keys,
    format_public_key,
    format_secret_key,
    generate_key,
    key_from_command,
    parse_public_key,
    parse_secret_key,
    public_key_of,
    read_public_key,
    read_secret_key,
)
from modos.encryption.key_files import _DERIVATIONS
from modos.errors import EncryptionError, InvalidInputError, InvalidKeyError

PASSPHRASE = "open sesame"


def asked():
    return PASSPHRASE


def never():
    raise AssertionError


@pytest.fixture
def openssh(tmp_path):
    """A function that writes a pair of OpenSSH, as ssh-keygen does, and returns where."""

    def write(*, locked: bool):
        pair = Ed25519PrivateKey.generate()
        encoding, form = serialization.Encoding, serialization.PrivateFormat
        lock = serialization.BestAvailableEncryption(PASSPHRASE.encode()) if locked else serialization.NoEncryption()
        secret, public = tmp_path / "id_ed25519", tmp_path / "id_ed25519.pub"
        secret.write_bytes(pair.private_bytes(encoding.PEM, form.OpenSSH, lock))
        line = pair.public_key().public_bytes(encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        public.write_bytes(line + b" ada@lab\n")
        return secret, public

    return write


@pytest.mark.parametrize("locked", [False, True])
def test_the_reference_reads_key_files_of_here(tmp_path, locked):
    """Locked with scrypt, or not at all; and the public half."""
    key = generate_key()
    (tmp_path / "key").write_text(
        format_secret_key(key, passphrase=PASSPHRASE if locked else None, comment="Ada's"), encoding="ascii"
    )
    (tmp_path / "key.pub").write_text(format_public_key(key.public), encoding="ascii")
    assert crypt4gh.keys.get_private_key(tmp_path / "key", asked) == key.raw
    assert crypt4gh.keys.get_public_key(tmp_path / "key.pub") == key.public.raw


@pytest.mark.parametrize("locked", [False, True])
def test_key_files_of_the_reference_are_read_here(tmp_path, locked):
    """The passphrase is asked for only when one is needed."""
    crypt4gh.keys.c4gh.generate(tmp_path / "key", tmp_path / "key.pub", PASSPHRASE.encode() if locked else None, b"Ada")
    key = read_secret_key(tmp_path / "key", passphrase=asked if locked else never)
    assert key.raw == crypt4gh.keys.get_private_key(tmp_path / "key", asked)
    assert read_public_key(tmp_path / "key.pub") == key.public


@pytest.mark.parametrize("derivation", _DERIVATIONS)
def test_each_derivation_of_the_standard_is_read(tmp_path, derivation):
    """The reference writes only scrypt, and reads all three."""
    key, salt, nonce, rounds = generate_key(), os.urandom(16), os.urandom(12), 8
    secret = crypt4gh.keys.kdf.derive_key(derivation, PASSPHRASE.encode(), salt, rounds)
    locked = nonce + ChaCha20Poly1305(secret).encrypt(nonce, key.raw, None)
    fields = [derivation, rounds.to_bytes(4, "big") + salt, b"chacha20_poly1305", locked]
    content = b"c4gh-v1" + b"".join(struct.pack(">H", len(each)) + each for each in fields)
    text = f"-----BEGIN CRYPT4GH PRIVATE KEY-----\n{base64.b64encode(content).decode()}\n-----END CRYPT4GH PRIVATE KEY-----"
    assert parse_secret_key(text, passphrase=asked) == key


@pytest.mark.parametrize("locked", [False, True])
def test_keys_of_openssh_are_read_as_the_reference_reads_them(openssh, locked):
    """Both halves; and they belong together."""
    secret, public = openssh(locked=locked)
    key = read_secret_key(secret, passphrase=asked if locked else never)
    assert key.raw == crypt4gh.keys.get_private_key(secret, asked)
    assert read_public_key(public).raw == crypt4gh.keys.get_public_key(public) == key.public.raw


def test_a_public_key_alone_is_read():
    """As it is shown, so that it can be copied from a message."""
    key = generate_key().public
    assert parse_public_key(f" {key}\n") == key


LOCKED = format_secret_key(generate_key(), passphrase="other")
PLAIN = format_secret_key(generate_key())
RSA = (
    generate_private_key(65537, 2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    .decode()
)
ARMOUR = "-----BEGIN CRYPT4GH PRIVATE KEY-----\n{}\n-----END CRYPT4GH PRIVATE KEY-----\n"
OPENSSH = (
    Ed25519PrivateKey.generate()
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    .decode()
)


def locked_with(derivation, options):
    """A key file that names a derivation, and what it starts from, rounds and salt."""
    fields = [derivation, options, b"chacha20_poly1305", bytes(60)]
    content = b"c4gh-v1" + b"".join(struct.pack(">H", len(each)) + each for each in fields)
    return ARMOUR.format(base64.b64encode(content).decode())


def of_openssh(old, new):
    """A key file of OpenSSH in which other words stand, as those of kinds that are not known here."""
    first, *body, last = OPENSSH.split("\n")[:-1]
    content = base64.b64decode("".join(body)).replace(old, new)
    return f"{first}\n{base64.encodebytes(content).decode()}{last}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "neither"),
        ("secret", "neither"),
        (format_public_key(generate_key().public), "neither"),
        (LOCKED, "not that of"),
        (RSA, "only Ed25519"),
        (RSA[:100] + RSA[-100:], "cannot be read"),
        (ARMOUR.format("%%%"), "base64"),
        (ARMOUR.format(base64.b64encode(b"something").decode()), "does not begin"),
        (ARMOUR.format(base64.b64encode(b"c4gh-v1\0\4no").decode()), "cut off"),
        pytest.param(
            ARMOUR.format(base64.b64encode(b"c4gh-v1\0\4argo").decode()),
            "locked with 'argo'; known are scrypt, bcrypt",
            id="locked in a way that is not known",
        ),
        (ARMOUR.format(base64.b64encode(b"c4gh-v1\0\4none\0\3aes\0\1x").decode()), "cipher 'aes'"),
        (ARMOUR.format(base64.b64encode(b"c4gh-v1\0\4none\0\4none\0\1x").decode()), "32 bytes, not 1"),
        pytest.param(locked_with(b"bcrypt", bytes(4) + b"salt"), "'bcrypt' takes no empty", id="bcrypt, no rounds"),
        pytest.param(locked_with(b"bcrypt", b"\0\0\0\1"), "file is damaged", id="bcrypt, no salt"),
        pytest.param(locked_with(b"pbkdf2_hmac_sha256", bytes(20)), "file is damaged", id="PBKDF2, no rounds"),
        pytest.param(of_openssh(b"none", b"nome"), "locked in a way", id="a cipher that is not known"),
        pytest.param(of_openssh(b"ssh-ed25519", b"sk-ed25519!"), "only Ed25519", id="a kind that is not known"),
    ],
)
def test_a_text_that_holds_no_secret_key_is_refused(text, told):
    """The error says what is wrong, and nothing of the text."""
    with pytest.raises(InvalidKeyError, match=told):
        parse_secret_key(text, passphrase=asked)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "32 bytes, not 0"),
        ("ssh-rsa AAAA ada", "ssh-ed25519"),
        ("ssh-ed25519", "ssh-ed25519"),
        ("ssh-ed25519 AAAA ada", "damaged"),
        (PLAIN, "crypt4gh private key"),
        ("öäü", "base64"),
    ],
)
def test_a_text_that_holds_no_public_key_is_refused(text, told):
    """A secret key in its place is told by its kind alone."""
    with pytest.raises(InvalidKeyError, match=told) as caught:
        parse_public_key(text)
    assert PLAIN.splitlines()[1] not in str(caught.value)


def test_a_locked_key_is_refused_where_nobody_can_be_asked(openssh):
    """Of either kind."""
    with pytest.raises(InvalidKeyError, match="nobody to ask"):
        parse_secret_key(LOCKED)
    with pytest.raises(InvalidKeyError, match=r"id_ed25519.*nobody to ask"):
        read_secret_key(openssh(locked=True)[0])


def test_an_empty_passphrase_is_refused_where_it_cannot_be():
    """As from a variable that is set to nothing: bcrypt takes none."""
    with pytest.raises(InvalidKeyError, match="'bcrypt' takes no empty passphrase"):
        parse_secret_key(locked_with(b"bcrypt", b"\0\0\0\1salt"), passphrase=str)


def test_what_is_typed_in_another_encoding_is_taken_as_it_is():
    """Bytes that are no UTF-8 reach Python as surrogates: as a passphrase they lock and unlock, and comments are kept."""
    key, typed = generate_key(), os.fsdecode(b"s\xe9same")
    text = format_secret_key(key, passphrase=typed, comment=typed)
    assert parse_secret_key(text, passphrase=lambda: typed) == key
    assert base64.b64decode(text.splitlines()[1]).endswith(b"s\xe9same")


def test_a_comment_has_room_in_the_file():
    """One that is longer than the format allows is refused, in words."""
    with pytest.raises(InvalidInputError, match="comment of 65,536 bytes is too long"):
        format_secret_key(generate_key(), comment="a" * 65_536)


def test_points_that_nobody_has_are_no_recipients():
    """With a public key of small order everyone could read the file."""
    from modos.encryption import encrypt

    with pytest.raises(InvalidInputError, match="none that anyone can have"):
        encrypt([b""], [PublicKey(bytes(32))])
    with pytest.raises(InvalidKeyError, match="neutral"):
        PublicKey.from_ed25519((1).to_bytes(32, "little"))


def test_a_secret_is_never_shown(ada):
    """Not by `repr`, nor `str`, nor by formatting; a copy made by pickling is the same key."""
    shown = f"{ada!r} {ada} {[ada]}"
    assert ada.raw.hex() not in shown
    assert repr(ada.raw) not in shown
    assert base64.b64encode(ada.raw).decode() not in shown
    assert str(ada.public) in shown
    assert pickle.loads(pickle.dumps(ada)) == ada


def test_the_environment_names_keys(tmp_path):
    """As a text, a path and a command; the passphrase too, else it is asked for."""
    keys = [generate_key() for _ in range(3)]
    texts = [format_secret_key(each, passphrase=PASSPHRASE) for each in keys]
    for name, text in zip(("a", "b"), texts[1:], strict=True):
        (tmp_path / name).write_text(text, encoding="ascii")
    command = shlex.join([sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", str(tmp_path / "b")])
    environment = {
        "MODOS_C4GH_KEY": texts[0],
        "C4GH_SECRET_KEY": str(tmp_path / "a"),
        "MODOS_C4GH_KEY_COMMAND": command,
    }
    assert find_keys(environment, passphrase=asked) == keys
    assert find_keys({**environment, "C4GH_PASSPHRASE": PASSPHRASE}, passphrase=never) == keys
    assert find_keys({}) == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MODOS_C4GH_KEY", "hush", "neither"),
        ("C4GH_SECRET_KEY", "/no/such/key", "/no/such/key: the key cannot be read"),
        ("MODOS_C4GH_KEY_COMMAND", "no-such-program --token hush", "no-such-program: cannot be run"),
        ("MODOS_C4GH_KEY_COMMAND", "false --token hush", "false: wrote no key: it ended with 1"),
        ("MODOS_C4GH_KEY_COMMAND", "echo hush", "echo: a secret key file"),
        ("MODOS_C4GH_KEY_COMMAND", "'hush", "quotes"),
        ("C4GH_SECRET_KEY", "-----BEGIN CRYPT4GH PRIVATE KEY-----\nhush", "the path of a key file is needed"),
        ("C4GH_SECRET_KEY", "-----BEGIN CRYPT4GH PRIVATE KEY----- hush", "the path of a key file is needed"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(name, value, told):
    """And does not repeat what may be a secret."""
    with pytest.raises(EncryptionError, match=told) as caught:
        find_keys({name: value})
    assert name in "".join(caught.value.__notes__)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None or "hush" not in str(caught.value.__cause__)


@pytest.mark.parametrize("read", [read_secret_key, read_public_key, public_key_of])
@pytest.mark.parametrize("path", ["~nobody-of-this-name/key", "x" * 300, "a\0b"])
def test_what_is_no_path_is_a_mistake_as_any(read, path):
    """A user who is not there, a name longer than any, a character that no name has."""
    with pytest.raises(InvalidKeyError):
        read(path)


def test_a_key_comes_from_a_command(ada):
    """No shell has a part in it."""
    assert key_from_command(shlex.join(["printf", "%s", format_secret_key(ada)])) == ada


def test_importing_costs_nothing():
    """Neither the package nor its names load what computes."""
    code = "import sys, modos.encryption; modos.encryption.encrypt; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_the_extra_each_way_in_says_what_to_install(openssh):
    """Not one of them ends in an ImportError of another kind."""
    code = """
import sys
for name in ("cryptography", "bcrypt"):
    sys.modules[name] = None
from modos import encryption
from modos.errors import MissingDependencyError
locked, openssh = sys.argv[1:]
key = encryption.generate_key()
ways = (
    lambda: key.public,
    lambda: encryption.encrypt([b""], [encryption.PublicKey(bytes(32))]),
    lambda: encryption.open_header(b"crypt4gh\\1\\0\\0\\0\\1\\0\\0\\0\\x6c\\0\\0\\0" + bytes(104), [key]),
    lambda: encryption.format_secret_key(key, passphrase="x"),
    lambda: encryption.parse_secret_key(locked, passphrase=lambda: "x"),
    lambda: encryption.read_secret_key(openssh, passphrase=lambda: "x"),
)
for way in ways:
    try:
        way()
    except MissingDependencyError as error:
        print(error.extra)
"""
    command = [sys.executable, "-c", code, LOCKED, str(openssh(locked=True)[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["encryption"] * 6


def test_a_secret_key_has_its_length():
    """As has a public one."""
    for kind in (SecretKey, PublicKey):
        with pytest.raises(InvalidKeyError, match="32 bytes, not 31"):
            kind(bytes(31))
