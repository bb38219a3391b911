"""The settings of e-mail on a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from prefect_mailroom.channels.base import Destination, LinksTo, Place, Reader
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text import variables
from prefect_mailroom.text.addresses import mail_address, without_repeats

MAX_RECIPIENTS = 100


class EmailDestination(Destination):
    """The recipients of a mail and what it says. `subject` and `text` are templates."""

    links_to: ClassVar[LinksTo | None] = LinksTo.PAGE

    channel: Literal["email"] = "email"
    to: list[str] = Field(default_factory=list)
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    subject: str = "{report_name} {date}"
    text: str = Field(
        default="",
        max_length=variables.MAX_PROSE,
        description="Text before the report's own text, such as a greeting. It is a template like the subject and may "
        "have several lines. Write a brace itself as {{ or }}.",
    )
    attach: Literal["attachment", "none"] = "attachment"
    compress: bool = Field(default=False, description="Attach one zip archive instead of the single files.")

    @field_validator("to", "cc", "bcc")
    @classmethod
    def _addresses(cls, addresses: list[str]) -> list[str]:
        return [mail_address(address) for address in addresses]

    @field_validator("subject")
    @classmethod
    def _subject(cls, subject: str) -> str:
        return variables.validate(subject, extra=variables.parameter_names(subject, field="subject"), field="subject")

    @field_validator("text")
    @classmethod
    def _text(cls, text: str) -> str:
        return variables.validate_prose(text, extra=variables.parameter_names(text, field="text"), field="text")

    @model_validator(mode="after")
    def _someone_gets_it(self) -> EmailDestination:
        count = len(self.to) + len(self.cc) + len(self.bcc)
        if not count:
            raise ValueError("to, cc and bcc are all empty; give at least one recipient")
        if count > MAX_RECIPIENTS:
            raise ValueError(f"there are {count} recipients, but at most {MAX_RECIPIENTS} are allowed")
        return self

    def recipients(self) -> list[str]:
        """Return everybody in to, cc and bcc, each once."""
        return without_repeats([*self.to, *self.cc, *self.bcc])

    def addresses(self) -> list[str]:
        """Return the recipients: each is a person, and all of them are mail addresses."""
        return self.recipients()

    def without(self, address: str) -> EmailDestination | None:
        """Return the mail without this recipient, or None where there is no other."""
        left = {
            name: [one for one in getattr(self, name) if one.lower() != address.lower()] for name in ("to", "cc", "bcc")
        }
        return self.model_copy(update=left) if any(left.values()) else None

    def audience(self) -> list[Reader]:
        """Return the recipients; a mail reaches the same person by whatever connection it is sent."""
        return [Reader(address, (address.casefold(),)) for address in self.recipients()]

    def templates(self) -> Mapping[str, str]:
        """Return subject and text."""
        return {"subject": self.subject, "text": self.text}

    def places(self) -> list[Place]:
        """Return nothing: each mail is a new one."""
        return []

    def for_test(self, caller: str) -> EmailDestination:
        """Return the same mail to the caller alone.

        Raises:
            ConfigurationError: the caller has no valid address.
        """
        try:
            address = mail_address(caller)
        except ValueError as error:
            raise ConfigurationError(f"The test mail cannot be sent: {error}.", field="to") from error
        return self.model_copy(update={"to": [address], "cc": [], "bcc": []})

    @classmethod
    def trial_settings(cls, caller: str) -> Mapping[str, Any]:
        """Return the caller as the recipient."""
        return {"to": [caller]}
