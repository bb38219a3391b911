"""The key that checkpoints of the audit trail are signed with, and its public half, by which they are checked."""

from __future__ import annotations

import base64
import binascii
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailroom.settings import Settings
from prefect_mailroom.durable import key_file, make_folders, replace_file
from prefect_mailroom.errors import ConfigurationError

KEY_BYTES = 32
KEY_FILE, PUBLIC_FILE = "audit-key", "audit-key.pub"


def private_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key: the setting, or in an embedded system the one in the data folder, which is made there.

    Raises:
        ConfigurationError: it cannot be read, or production has none.
    """
    given = settings.audit_key.get_secret_value()
    if not given:
        if settings.mode == "production":
            raise ConfigurationError(
                "There is no key to sign the checkpoints of the audit trail with.",
                remedy="Set MAILROOM_AUDIT_KEY or MAILROOM_AUDIT_KEY_FILE to 32 random bytes in base64.",
                field="MAILROOM_AUDIT_KEY",
            )
        make_folders(settings.data_dir)
        given = key_file(settings.data_dir / KEY_FILE, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
    return Ed25519PrivateKey.from_private_bytes(_decoded(given, "MAILROOM_AUDIT_KEY"))


def is_signing_key(text: str) -> bool:
    """Tell whether a text can be the key. Pure."""
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _decoded(text: str, field: str) -> bytes:
    if not is_signing_key(text.strip()):
        message = "The key of the audit trail is not 32 bytes in base64."
        raise ConfigurationError(message, remedy="Make one with: openssl rand -base64 32", field=field)
    return base64.b64decode(text.strip())


def publish(key: Ed25519PrivateKey, path: Path) -> None:
    """Add the public half to the file where whoever checks the trail finds it, unless it is there.

    Those of earlier keys stay: the checkpoints that they have signed are checked with them.
    """
    there, text = path.read_text() if path.exists() else "", public_text(key.public_key())
    if text not in there.split():
        make_folders(path.parent)
        replace_file(path, f"{there}{text}\n".encode(), mode=0o644)


def public_text(key: Ed25519PublicKey) -> str:
    """Return a public key as text: base64 of its 32 bytes."""
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def read_public(path: Path) -> list[Ed25519PublicKey]:
    """Read public keys from a file, one a line.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        text = path.read_text()
    except OSError as error:
        message = f"The public key {path} cannot be read: {error.strerror}."
        raise ConfigurationError(message, remedy="Name the file with --public-key.", field="--public-key") from error
    return [Ed25519PublicKey.from_public_bytes(_decoded(line, "--public-key")) for line in text.split()]


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the short name of a key, which tells which one has signed."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def is_signed(key: Ed25519PublicKey, signature: str, content: bytes) -> bool:
    """Tell whether the key has signed the content. Pure."""
    try:
        key.verify(base64.b64decode(signature, validate=True), content)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
