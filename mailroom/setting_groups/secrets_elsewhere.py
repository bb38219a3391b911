"""Read secrets of the settings from elsewhere: `<VARIABLE>_FILE` names a file, and `env:NAME` another variable.

So a secret can come from what mounts files or sets variables of its own, such as a secret store, and stands in no
configuration.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from prefect_mailroom.channels.webhook.signing import secret_bytes
from prefect_mailroom.errors import ConfigurationError

REFERENCE = "env:"


class SecretsElsewhere(PydanticBaseSettingsSource):
    """The values of secret settings, and of URLs of databases, whose variables say where they are."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of a field from elsewhere, None where its variables say nothing."""
        name = variable_of(field, field_name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            return _inside(field.annotation, name) or None, field_name, True
        return read(name) if _is_secret(field, field_name) else None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values of all fields that are elsewhere.

        Raises:
            ConfigurationError: a file or a variable that is named is not there, or is empty.
        """
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def _inside(group: type[BaseModel], prefix: str) -> dict[str, str]:
    """Return the secrets of a group of settings, whose variables begin with that of the group."""
    names = [name for name, field in group.model_fields.items() if _is_secret(field, name)]
    found = {name: read(f"{prefix}__{name.upper()}") for name in names}
    return {name: value for name, value in found.items() if value is not None}


def variable_of(field: FieldInfo, name: str) -> str:
    """Return the variable of the environment that a setting is read from."""
    return str(field.validation_alias) if field.validation_alias else f"MAILROOM_{name.upper()}"


def _is_secret(field: FieldInfo, name: str) -> bool:
    return field.annotation is SecretStr or name.endswith("database_url")


def read(variable: str) -> str | None:
    """Return the secret that a variable names, None where it names none: it is unset, or holds the secret itself.

    Raises:
        ConfigurationError: the file or variable that it names is not there, or is empty; or both ways are used.
    """
    direct, file = os.environ.get(variable, ""), os.environ.get(f"{variable}_FILE", "")
    if file and direct:
        raise ConfigurationError(
            f"Both {variable} and {variable}_FILE are set.", remedy="Unset one of them.", field=variable
        )
    if file:
        return _of_file(Path(file), f"{variable}_FILE")
    if direct.startswith(REFERENCE):
        return _of_variable(direct.removeprefix(REFERENCE).strip(), variable)
    return None


def _of_file(path: Path, variable: str) -> str:
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(
            f"The file that {variable} names cannot be read: {why}.", remedy="Correct the path.", field=variable
        ) from error
    if not text:
        message = f"The file that {variable} names is empty."
        raise ConfigurationError(message, remedy="Write the secret into it.", field=variable)
    return text


def _of_variable(name: str, variable: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        message = f"{variable} refers to the variable {name}, which is not set."
        raise ConfigurationError(message, remedy=f"Set {name}.", field=variable)
    return value


class WithSecrets(BaseModel):
    """A group of settings of which some are secrets, which may also stand in files."""

    @model_validator(mode="before")
    @classmethod
    def _without_files(cls, values: Any) -> Any:
        """Leave out the names of files with secrets, which were read before."""
        if not isinstance(values, dict):
            return values
        secret = {f"{name}_file" for name, field in cls.model_fields.items() if field.annotation is SecretStr}
        return {name: value for name, value in values.items() if name not in secret}


def _strong(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        secret_bytes(value.get_secret_value())
    return value


SigningSecret = Annotated[SecretStr, AfterValidator(_strong)]


def address_like(example: str) -> Callable[[SecretStr], SecretStr]:
    """Return the check that a setting is empty or the address of a receiver; its refusal names the example."""

    def check(value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and not re.match(r"https?://[^\s/@]+(/|$|\?)", text):
            raise ValueError(f"needs an address such as {example}, without a user name")
        return value

    return check
