"""Define the settings of alerts: how operators and teams are told of incidents, and by what.

Each is a variable `MAILROOM_ALERTS__…`, such as `MAILROOM_ALERTS__OPERATOR_MAIL=oncall@example.com`. When an incident
is told, and whom it reaches, is in the settings of incidents.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from mailroom.setting_groups.secrets_elsewhere import SigningSecret, WithSecrets, address_like
from prefect_mailroom.text.addresses import mail_address, without_repeats

_QUIET = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")


def read_addresses(text: str) -> tuple[str, ...]:
    """Return the mail addresses of a list, each once.

    Raises:
        ValueError: one of them is no mail address.
    """
    return tuple(without_repeats(mail_address(word) for word in text.replace(",", " ").replace(";", " ").split()))


Addresses = Annotated[str, Field(max_length=4000), AfterValidator(lambda text: " ".join(read_addresses(text)))]

Address = Annotated[str, AfterValidator(mail_address)]


class AlertSettings(WithSecrets):
    """Settings of the routes by which people are told of incidents."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    operator_mail: Addresses = Field(
        default="", description="The mail addresses of the operators, such as `oncall@example.com ops@example.com`."
    )
    team_mail: dict[str, Address] = Field(
        default_factory=dict,
        description=(
            "The mail address of a team, as JSON by its name, its id or its external id: "
            '{"Sales": "sales@example.com"}. The members of a team without one are told one by one.'
        ),
    )
    webhook_url: Annotated[SecretStr, AfterValidator(address_like("https://hooks.example.com/mailroom"))] = Field(
        default=SecretStr(""),
        description="The address that operators get signed requests at. It is kept secret, as it may hold a token.",
    )
    webhook_secret: SigningSecret = Field(
        default=SecretStr(""),
        description="The secret that signs these requests: whsec_ followed by the base64 of at least 24 random bytes.",
    )
    webhook_secret_former: SigningSecret = Field(
        default=SecretStr(""), description="The former secret, which also signs until the receiver uses the new one."
    )
    mail_connection: str = Field(
        default="",
        max_length=100,
        description="The mail connection that alerts go through. If empty: the mail connection that was made first.",
    )
    runbooks: str = Field(
        default="",
        max_length=500,
        pattern=r"^(https?://[^\s#<>\"]+)?$",
        description=(
            "The address of the page with the runbooks, which mails to operators link to, such as "
            "https://docs.example.com/operations/runbooks.html. If empty, they name the page of the repository."
        ),
    )
    quiet_hours: str = Field(
        default="",
        description=(
            "When mails and requests about what is not critical wait, such as 22:00-07:00 in the default time zone. "
            "If empty, never."
        ),
    )

    @field_validator("quiet_hours")
    @classmethod
    def _is_a_span(cls, value: str) -> str:
        if value:
            read_span(value)
        return value

    @model_validator(mode="after")
    def _requests_are_signed(self) -> AlertSettings:
        if self.webhook_url.get_secret_value() and not self.webhook_secret.get_secret_value():
            raise ValueError("webhook_url needs webhook_secret, by which the receiver knows that a request is ours")
        return self

    @property
    def operators(self) -> tuple[str, ...]:
        """Return the mail addresses of the operators."""
        return tuple(self.operator_mail.split())

    @property
    def has_webhook(self) -> bool:
        """Return whether operators get requests."""
        return bool(self.webhook_url.get_secret_value())


def read_span(text: str) -> tuple[time, time]:
    """Return the beginning and the end of a span of the day such as 22:00-07:00.

    Raises:
        ValueError: it is none.
    """
    found = _QUIET.fullmatch(text.replace(" ", ""))
    if found is None:
        raise ValueError("must be a span of the day such as 22:00-07:00")
    try:
        begins, ends = (time.fromisoformat(part) for part in found.groups())
    except ValueError:
        raise ValueError("must be a span of the day such as 22:00-07:00") from None
    if begins == ends:
        raise ValueError("must begin at another time than it ends")
    return begins, ends
