"""The settings of e-mail on a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from prefect_mailroom.channels.base import Destination, LinksFrom, LinksTo, Place, Reader
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text import variables
from prefect_mailroom.text.addresses import mail_address, without_repeats
from prefect_mailroom.text.filenames import clean_line

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
    from_name: str = Field(
        default="", max_length=100, description="The name shown as the sender; by default the connection's."
    )
    reply_to: str = Field(
        default="", description="The address that answers go to; by default the owner of the schedule, not the system."
    )
    body: Literal["full", "light", "text"] = Field(
        default="full",
        description="`full`: the summary with figures, charts and first rows. `light`: figures and tables without "
        "pictures and styles, for old mail programs. `text`: plain text alone.",
    )
    attach: Literal["attachment", "inline", "link", "none"] = Field(
        default="attachment",
        description="`attachment`: the files are attached. `inline`: pictures and HTML are shown in the mail, others "
        "attached. `link`: the mail has links to the files. `none`: the mail has its text alone.",
    )
    links_from: LinksFrom = ""
    compress: bool = Field(default=False, description="Attach one zip archive instead of the single files.")
    each: Literal["recipient", "group"] = Field(
        default="recipient",
        description="`recipient`: everybody gets a mail of their own. `group`: one mail goes to all of them at once.",
    )
    thread: Literal["fresh", "one"] = Field(
        default="fresh",
        description="`fresh`: each mail starts a conversation. `one`: all mails of the schedule to a recipient are one "
        "conversation; Gmail also wants the same subject for that.",
    )

    @field_validator("to", "cc", "bcc")
    @classmethod
    def _addresses(cls, addresses: list[str]) -> list[str]:
        return [mail_address(address) for address in addresses]

    @field_validator("reply_to")
    @classmethod
    def _reply_to(cls, address: str) -> str:
        return mail_address(address) if address else address

    @field_validator("from_name")
    @classmethod
    def _from_name(cls, name: str) -> str:
        if clean_line(name) != name:
            raise ValueError("it contains a line break or control character")
        return name

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

    def links_connection(self) -> str:
        """Return the connection whose store keeps the files that are too large, or are to be links."""
        return self.links_from

    def recipients(self) -> list[str]:
        """Return everybody in to, cc and bcc, each once; for a group the one name that its mail is known by."""
        people = self.addresses()
        return people if self.each == "recipient" else [_group_name(people)]

    def addresses(self) -> list[str]:
        """Return everybody in to, cc and bcc, each once."""
        return without_repeats([*self.to, *self.cc, *self.bcc])

    def reached_by(self, recipient: str) -> list[str]:
        """Return the addresses that one mail goes to: for a group everybody's."""
        return [recipient] if self.each == "recipient" else self.addresses()

    def without(self, address: str) -> EmailDestination | None:
        """Return the mail without this recipient, or None where there is no other."""
        left = {
            name: [one for one in getattr(self, name) if one.lower() != address.lower()] for name in ("to", "cc", "bcc")
        }
        return self.model_copy(update=left) if any(left.values()) else None

    def audience(self) -> list[Reader]:
        """Return the recipients; a mail reaches the same person by whatever connection it is sent."""
        return [Reader(address, (address.casefold(),)) for address in self.addresses()]

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
        return self.model_copy(update={"to": [address], "cc": [], "bcc": [], "each": "recipient"})

    @classmethod
    def trial_settings(cls, caller: str) -> Mapping[str, Any]:
        """Return the caller as the recipient."""
        return {"to": [caller]}


def _group_name(people: list[str]) -> str:
    first, *others = people
    return f"{first} and {len(others)} more" if others else first
