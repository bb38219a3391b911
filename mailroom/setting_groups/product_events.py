"""Define the settings of signed events, by which the product that Mailroom works for learns what happened.

Each is a variable `MAILROOM_PRODUCT_EVENTS__…`, such as `MAILROOM_PRODUCT_EVENTS__URL=https://app.example.com/hooks`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from prefect_mailroom.channels.webhook.signing import secret_bytes


class ProductEventType(StrEnum):
    """The events that a product can be told of.

    schedule.suspended: a schedule fires no more until a person resumes it.
    occurrence.missed: a due time passed, and nothing was sent.
    report.delivered: an execution ended, and everybody who was to get the report has it.
    report.failed: an execution ended, and somebody who was to get the report may not have it.
    """

    SCHEDULE_SUSPENDED = "schedule.suspended"
    OCCURRENCE_MISSED = "occurrence.missed"
    REPORT_DELIVERED = "report.delivered"
    REPORT_FAILED = "report.failed"


def read_types(text: str) -> frozenset[ProductEventType]:
    """Return the events of a list.

    Raises:
        ValueError: there is no such event.
    """
    known = {str(one) for one in ProductEventType}
    words = text.replace(",", " ").split()
    if unknown := [word for word in words if word not in known]:
        raise ValueError(f"names {unknown[0]!r}; choose from {', '.join(ProductEventType)}")
    return frozenset(map(ProductEventType, words))


Types = Annotated[str, Field(max_length=500), AfterValidator(lambda text: " ".join(sorted(read_types(text))))]


class ProductEventSettings(BaseModel):
    """Whom and what Mailroom tells by signed events."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr = Field(
        default=SecretStr(""),
        description="The address that events are posted to. It is kept secret, as it may hold a token. If empty: none.",
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="The secret that signs events: whsec_ followed by the base64 of at least 24 random bytes.",
    )
    secret_former: SecretStr = Field(
        default=SecretStr(""), description="The former secret, which also signs until the receiver uses the new one."
    )
    types: Types = Field(
        default=" ".join(sorted(ProductEventType)), description="The events that are sent, separated by blanks."
    )
    ca_certificates: str = Field(
        default="", max_length=200_000, description="PEM certificates to trust in addition to the usual authorities."
    )
    days: int = Field(default=30, ge=1, le=366, description="How long events that were sent or given up are kept.")

    @model_validator(mode="before")
    @classmethod
    def _without_files(cls, values: Any) -> Any:
        """Leave out the names of files with secrets, which `secrets_elsewhere` has read."""
        if not isinstance(values, dict):
            return values
        secret = {f"{name}_file" for name, field in cls.model_fields.items() if field.annotation is SecretStr}
        return {name: value for name, value in values.items() if name not in secret}

    @field_validator("secret", "secret_former")
    @classmethod
    def _secret_is_strong(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            secret_bytes(value.get_secret_value())
        return value

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and not re.match(r"https?://[^\s/@]+(/|$|\?)", text):
            raise ValueError("needs an address such as https://app.example.com/hooks, without a user name")
        return value

    @model_validator(mode="after")
    def _is_signed(self) -> ProductEventSettings:
        if self.url.get_secret_value() and not self.secret.get_secret_value():
            raise ValueError("url needs secret, by which the receiver knows that an event is ours")
        return self

    @property
    def wanted(self) -> frozenset[ProductEventType]:
        """Return the events that are sent; none without an address."""
        return read_types(self.types) if self.url.get_secret_value() else frozenset()
