"""Environment variables of programs: plain names, secret values.

They are a `SecretDict`: of all mappings, Prefect hides the values of that one alone when somebody reads a block without
asking for its secrets.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated

from prefect.types import SecretDict
from pydantic import AfterValidator, PlainSerializer, SecretStr

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MASK = "********"


def is_plain_name(name: str) -> bool:
    """Tell whether a shell can hold a variable of this name."""
    return _NAME.fullmatch(name) is not None


def _checked(environment: SecretDict) -> SecretDict:
    for name, value in environment.get_secret_value().items():
        if not is_plain_name(name) or name.startswith("MAILROOM_"):
            raise ValueError(
                f"{name[:40]}: use letters, digits and _, and no name that begins with MAILROOM_; write the value "
                "as a text without NUL characters."
            )
        if not isinstance(value, str) or "\0" in value:
            raise ValueError(f"{name[:40]}: write the value as a text without NUL characters.")
    return environment


def _each_apart(environment: SecretDict) -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in environment.get_secret_value().items()}


Environment = Annotated[SecretDict, AfterValidator(_checked), PlainSerializer(_each_apart)]
"""The type of a block's field. In a dump each value is a secret of its own, so that one can be kept and one changed."""


def masked(text: str, secrets: Collection[str]) -> str:
    """Return the text with each secret hidden."""
    for secret in sorted(secrets, key=len, reverse=True):  # The longest first: a secret may be part of another.
        if secret.strip():
            text = text.replace(secret, _MASK)
    return text
