"""The settings of the links in what is sent: to fetch files, and to stop mails."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

SHORTEST_KEY = 32


class LinkSettings(BaseSettings):
    """Everything about links that can be set; each field is the variable `MAILROOM_<FIELD>` in capitals."""

    link_key: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "The secret that signs links to files and to unsubscribe; 32 characters or more, the same for the API and "
            "the workers. `mailroom up` makes one in data_dir. Without it, no links are made."
        ),
    )
    link_key_former: SecretStr = Field(
        default=SecretStr(""), description="The former secret, whose links still open until it is taken away."
    )
    download_links: bool = Field(
        default=True, description="Whether recipients can get links to files; if not, those that were sent are dead."
    )
    download_link_days: int = Field(
        default=14,
        ge=1,
        le=365,
        description="How long a link to files works; never longer than the files themselves are kept (artifact_days).",
    )
    unsubscribe_links: bool = Field(
        default=True, description="Whether each mail has a link by which its recipient can stop such mails."
    )

    @field_validator("link_key", "link_key_former")
    @classmethod
    def _is_long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"needs at least {SHORTEST_KEY} characters")
        return value
