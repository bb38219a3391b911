"""Decide whether the secrets of an installation may be used in production; `mailroom.safety` refuses. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping

from mailroom.audit.sealing.signing import is_signing_key
from mailroom.errors import Fault
from mailroom.settings import Settings

SHORTEST = 32
_FEWEST_CHARACTERS = 8
"""How many different characters a secret has at least: one letter again and again is none."""
_PLACEHOLDER = re.compile(r"change.?me|placeholder|your.?key", re.IGNORECASE)
_WORD = re.compile(r"default|example|password|secret|^(test|demo|dummy)|12345", re.IGNORECASE)
"""What stands in examples and is copied from there."""
_RANDOM = "Make one with: openssl rand -base64 32"
_FERNET = 'Make one with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


def of_settings(settings: Settings) -> dict[str, str]:
    """Return the secrets that production needs, by the names of their variables."""
    return {
        "MAILROOM_API_KEY": settings.api_key.get_secret_value(),
        "MAILROOM_KEY_PEPPER": settings.key_pepper.get_secret_value(),
        "MAILROOM_AUDIT_KEY": settings.audit_key.get_secret_value(),
        "PREFECT_SERVER_ENCRYPTION_KEY": settings.prefect_encryption_key.get_secret_value(),
    }


def faults(secrets: Mapping[str, str]) -> Iterator[Fault]:
    """Return what is wrong with each secret; the values are in no message."""
    seen: dict[str, str] = {}
    for name, value in secrets.items():
        fits, form, remedy = _FORMS.get(name, (_is_anything, "", _RANDOM))
        if not value.strip():
            yield Fault(name, "is not set.", remedy)
        elif _is_known(value):
            yield Fault(name, "is a default or an example.", remedy)
        elif len(value.strip()) < SHORTEST:
            yield Fault(name, f"is shorter than {SHORTEST} characters.", remedy)
        elif len(set(value)) < _FEWEST_CHARACTERS:
            yield Fault(name, "repeats the same few characters.", remedy)
        elif not fits(value.strip()):
            yield Fault(name, f"is not {form}.", remedy)
        elif value in seen:
            yield Fault(name, f"is the same as {seen[value]}.", remedy)
        seen.setdefault(value, name)


def _is_known(value: str) -> bool:
    # A long random value may hold such a word by chance; one that is mostly the word is none.
    return bool(_PLACEHOLDER.search(value)) or any(len(word) * 3 >= len(value) for word in _words(value))


def _words(value: str) -> list[str]:
    return [found.group() for found in _WORD.finditer(value)]


def is_fernet_key(text: str) -> bool:
    """Tell whether a text can be the key of Prefect's blocks."""
    try:
        return len(base64.urlsafe_b64decode(text)) == 32
    except (binascii.Error, ValueError):
        return False


def _is_anything(_text: str) -> bool:
    return True


_FORMS: Mapping[str, tuple[Callable[[str], bool], str, str]] = {
    "MAILROOM_AUDIT_KEY": (is_signing_key, "32 bytes in base64", _RANDOM),
    "PREFECT_SERVER_ENCRYPTION_KEY": (is_fernet_key, "a Fernet key", _FERNET),
}
