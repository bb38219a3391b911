"""The settings of secrets, of the keys that users have, and of their ages."""

from __future__ import annotations

import string

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


class SecretSettings(BaseSettings):
    """Every secret that can be set; each field is the variable `MAILROOM_<FIELD>` in capitals.

    Each can also come from elsewhere, see `secrets_elsewhere`.
    """

    api_key: SecretStr = Field(
        default=SecretStr(""), description=("The key of the REST API. If empty, it is created at the first start.")
    )
    key_pepper: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "The secret with which the keys of users are hashed; 32 characters or more. `mailroom up` makes one in "
            "data_dir. Without it, users cannot have keys."
        ),
    )
    key_days: int = Field(
        default=366, ge=1, le=3660, description=("For how many days a key of a user can be valid, at most.")
    )
    key_reminder_days: int = Field(
        default=14, ge=1, le=366, description=("How many days before a key expires its owner is reminded.")
    )
    key_old_days: int = Field(
        default=180, ge=1, le=3660, description=("After how many days the owner of a key is reminded to replace it.")
    )
    identity_key: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "The secret that signs identities for HTTP sources: 64 random hexadecimal digits, the same for the API and "
            "the workers. `mailroom up` makes one in data_dir."
        ),
    )
    audit_key: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "The key that signs the checkpoints of the audit trail: 32 random bytes in base64. If empty, `mailroom up` "
            "makes one in data_dir."
        ),
    )
    audit_days: int = Field(
        default=0, ge=0, le=36500, description="How long the audit trail is kept; 0 keeps it for good."
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "The token with which Prometheus may read `/metrics`, and nothing else; 32 characters or more. If empty, "
            "only the key of the installation and keys of admins may."
        ),
    )
    prefect_encryption_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="PREFECT_SERVER_ENCRYPTION_KEY",
        description="The key of Prefect's blocks, which Prefect's own server reads from the same variable.",
    )
    secret_reminder_days: int = Field(
        default=365,
        ge=0,
        le=3660,
        description="After how many days admins are reminded that a secret of the installation is old; 0 never does.",
    )

    @field_validator("key_pepper", "metrics_token")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise ValueError("needs at least 32 characters")
        return value

    @field_validator("identity_key")
    @classmethod
    def _is_a_seed(cls, value: SecretStr) -> SecretStr:
        seed = value.get_secret_value()
        if seed and not (len(seed) == 64 and all(digit in string.hexdigits for digit in seed)):
            raise ValueError("needs 64 hexadecimal digits, such as `openssl rand -hex 32` prints")
        return value
