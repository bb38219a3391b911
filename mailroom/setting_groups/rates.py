"""The settings of rates: how often somebody may ask the API, and whose word counts for where a request comes from."""

from __future__ import annotations

import re
from ipaddress import ip_network
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)|unlimited")


class RateSettings(BaseSettings):
    """Everything about rates that can be set; each field is the variable `MAILROOM_<FIELD>` in capitals."""

    rate_limit_user: str = Field(
        default="3000/minute", description="How many requests a user may make, such as 3000/minute or unlimited."
    )
    rate_limit_key: str = Field(default="3000/minute", description="How many requests may be made with one key.")
    rate_limit_address: str = Field(
        default="300/minute",
        description="How many requests without a valid log-in are answered to one address.",
    )
    rate_limit_storage: SecretStr = Field(
        default=SecretStr("memory"),
        description=(
            "Where requests are counted: `memory` of each API process, or redis://… (rediss://…) for all processes "
            "together."
        ),
    )
    trusted_proxies: str = Field(
        default="",
        description="The networks of the proxies whose X-Forwarded-For counts, separated by commas or blanks.",
    )

    @field_validator("rate_limit_user", "rate_limit_key", "rate_limit_address")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        if not _RATE.fullmatch(value):
            raise ValueError("must be a number a second, minute, hour or day, such as 300/minute, or unlimited")
        return value

    @field_validator("rate_limit_storage")
    @classmethod
    def _can_count(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        # The value may hold a password, so no message repeats it.
        if text != "memory" and not (text.startswith(("redis://", "rediss://")) and _names_a_host(text)):
            raise ValueError("must be memory, or a URL such as redis://localhost:6379/0")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for word in value.replace(",", " ").split():
            try:
                ip_network(word)
            except ValueError as error:
                raise ValueError(f"'{word[:60]}' is not a network such as 10.0.0.0/8 or 2001:db8::/32") from error
        return value


def _names_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
