"""Define the settings of signed events, by which the product that Mailroom works for learns what happened.

Each is a variable `MAILROOM_PRODUCT_EVENTS__…`, such as `MAILROOM_PRODUCT_EVENTS__URL=https://app.example.com/hooks`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, model_validator

from mailroom.setting_groups.secrets_elsewhere import SigningSecret, WithSecrets, address_like


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


class ProductEventSettings(WithSecrets):
    """Whom and what Mailroom tells by signed events."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[SecretStr, AfterValidator(address_like("https://app.example.com/hooks"))] = Field(
        default=SecretStr(""),
        description="The address that events are posted to. It is kept secret, as it may hold a token. If empty: none.",
    )
    secret: SigningSecret = Field(
        default=SecretStr(""),
        description="The secret that signs events: whsec_ followed by the base64 of at least 24 random bytes.",
    )
    secret_former: SigningSecret = Field(
        default=SecretStr(""), description="The former secret, which also signs until the receiver uses the new one."
    )
    types: Types = Field(
        default=" ".join(sorted(ProductEventType)), description="The events that are sent, separated by blanks."
    )
    ca_certificates: str = Field(
        default="", max_length=200_000, description="PEM certificates to trust in addition to the usual authorities."
    )
    days: int = Field(default=30, ge=1, le=366, description="How long events that were sent or given up are kept.")

    @model_validator(mode="after")
    def _is_signed(self) -> ProductEventSettings:
        if self.url.get_secret_value() and not self.secret.get_secret_value():
            raise ValueError("url needs secret, by which the receiver knows that an event is ours")
        return self

    @property
    def wanted(self) -> frozenset[ProductEventType]:
        """Return the events that are sent; none without an address."""
        return read_types(self.types) if self.url.get_secret_value() else frozenset()
