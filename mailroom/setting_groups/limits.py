"""Define the settings of limits: what a user may have and do, for everybody and for a role.

`mailroom.limits.decide` makes of them what holds for one user. Each is a variable `MAILROOM_LIMITS__…`, such as
`MAILROOM_LIMITS__SCHEDULES=20`, and for a role `MAILROOM_LIMITS__CREATOR__SCHEDULES=50`.
"""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

UNLIMITED = sys.maxsize
"""What the word `unlimited` stands for; no use of anything ever reaches it."""
_WORD = "unlimited"
MOST_RECIPIENTS = 100
"""The mail channel itself takes no more recipients of one mail."""
_DOMAIN = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def _number(value: Any) -> Any:
    return UNLIMITED if isinstance(value, str) and value.strip().casefold() == _WORD else value


def read_domains(text: str) -> tuple[str, ...]:
    """Return the domains of a list as mail addresses have them: in lower case, in their IDNA 2008 form.

    Raises:
        ValueError: one of them is no domain.
    """
    from idna import IDNAError, encode  # noqa: PLC0415  # Its tables are large, and most lists are empty.

    found = []
    for word in text.replace(",", " ").split():
        star, name = ("*.", word[2:]) if word.startswith("*.") else ("", word)
        try:
            plain = name.lower() if name.isascii() else encode(name, uts46=True).decode("ascii")
        except IDNAError as error:
            raise ValueError(f"'{word[:80]}' is not a domain: {error}") from None
        if not _DOMAIN.fullmatch(star + plain):
            raise ValueError(f"'{word[:80]}' is not a domain such as example.com or *.example.com")
        found.append(star + plain)
    return tuple(dict.fromkeys(found))


Count = Annotated[int, BeforeValidator(_number), Field(ge=0)]
Megabytes = Annotated[int, BeforeValidator(_number), Field(ge=1)]
Domains = Annotated[str, Field(max_length=20_000), AfterValidator(lambda text: " ".join(read_domains(text)))]


class RoleLimits(BaseModel):
    """The limits of users with a role. What is not set is as for everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schedules: Count | None = None
    interval_seconds: int | None = Field(default=None, ge=60)
    recipients: int | None = Field(default=None, ge=1, le=MOST_RECIPIENTS)
    schedule_recipients: Count | None = None
    runs_an_hour: Count | None = None
    backfills_an_hour: Count | None = None
    tests_an_hour: Count | None = None
    previews_an_hour: Count | None = None
    render_seconds: float | None = Field(default=None, gt=0)
    render_rows: int | None = Field(default=None, ge=1)
    file_mb: int | None = Field(default=None, ge=1)
    delivered_mb: Megabytes | None = None
    recipient_domains: Domains | None = None


class Unmetered(RoleLimits):
    """The limits of those who look after the installation, or who act for many: nothing of theirs is counted.

    What protects the receivers and the machine holds for them too, unless it is set otherwise.
    """

    schedules: Count | None = UNLIMITED
    schedule_recipients: Count | None = UNLIMITED
    runs_an_hour: Count | None = UNLIMITED
    backfills_an_hour: Count | None = UNLIMITED
    tests_an_hour: Count | None = UNLIMITED
    previews_an_hour: Count | None = UNLIMITED


class LimitSettings(BaseModel):
    """The limits of everybody, and below them those of a role. `unlimited` is a number for what is counted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schedules: Count = Field(default=10, description="How many schedules a user may have; finished ones do not count.")
    recipients: int = Field(default=50, ge=1, le=MOST_RECIPIENTS, description="How many recipients one mail may have.")
    schedule_recipients: Count = Field(
        default=250, description="How many recipients all destinations of one schedule may have together."
    )
    runs_an_hour: Count = Field(
        default=20, description="How many runs a user may ask for in an hour: run-now, and schedules that run at once."
    )
    backfills_an_hour: Count = Field(default=100, description="How many due times a user may backfill in an hour.")
    tests_an_hour: Count = Field(default=20, description="How many tests a user may send in an hour.")
    previews_an_hour: Count = Field(default=120, description="How many reports a user may preview in an hour.")
    delivered_mb: Megabytes = Field(
        default=4096, description="How large all files of one execution may be together, in megabytes."
    )
    recipient_domains: Domains = Field(
        default="",
        description=(
            "The domains that mails may go to, such as `example.com *.example.com`; asked when a schedule is saved and "
            "again when a run sends. If empty, all."
        ),
    )
    contact: str = Field(
        default="",
        max_length=200,
        description="Whom a refusal tells users to ask, such as reports-team@example.com. If empty: an admin.",
    )
    creator: RoleLimits = RoleLimits()
    admin: Unmetered = Unmetered()
    service: Unmetered = Field(default=Unmetered(), description="Service accounts, whatever their role.")
