"""What a user says about time, validated so that whatever is stored can fire.

`day` rule for short months: a monthly schedule on day 29, 30 or 31 fires on the last day of a month that is shorter.
Gap and fold: a local time that daylight saving skips fires as long after the gap as it lay in it (02:30 becomes
03:30); a local time that occurs twice fires the first time.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, field_validator, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = TypeVar("Day", bound=dt.date)
Holiday = Literal["run", "skip", "next", "previous"]


@cache
def _zones() -> frozenset[str]:
    """Every zone of the IANA list; it is read from disk once."""
    return frozenset(available_timezones())


def _sensible(value: Day) -> Day:
    """Years at the ends of the calendar overflow when zones and horizons are added."""
    if not 1970 <= value.year <= 2999:
        raise ValueError(f"the year {value.year} is not between 1970 and 2999")
    return value


class _Timing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str = Field(default="UTC", description="IANA name, such as Europe/Berlin.")
    starts_on: dt.date | None = None
    ends_on: dt.date | None = Field(default=None, description="The last day on which it may fire.")
    calendar: str | None = Field(default=None, description="The id of a business calendar.")
    on_holiday: Holiday = "run"

    @property
    def zone(self) -> ZoneInfo:
        """The zone's rules."""
        return ZoneInfo(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in _zones():
            raise ValueError(f"'{value[:60]}' is not a time zone of the IANA list; use a name such as Europe/Berlin")
        return value

    @field_validator("starts_on", "ends_on")
    @classmethod
    def _sensible_year(cls, value: dt.date | None) -> dt.date | None:
        return value and _sensible(value)

    @model_validator(mode="after")
    def _ends_after_start(self) -> _Timing:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} lies before starts_on {self.starts_on}")
        if self.on_holiday != "run" and not self.calendar:
            raise ValueError(f"on_holiday: {self.on_holiday} needs a calendar that knows the holidays")
        return self


def _minute(value: Any) -> Any:
    """`HH:MM` only: seconds and offsets would promise what cron cannot keep."""
    if isinstance(value, str) and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError(f"'{value[:40]}' is not a time of day such as 09:00")
    return value


# Written as it is read: `time` as JSON has seconds, which `_minute` refuses.
TimeOfDay = Annotated[
    dt.time,
    PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str, when_used="json"),
    Field(description="Local time of day, HH:MM."),
]


class _AtTime(_Timing):
    at: TimeOfDay

    _check_at = field_validator("at", mode="before")(_minute)


class Immediate(_Timing):
    """Once, as soon as it is saved."""

    frequency: Literal["immediate"]


class Once(_Timing):
    """At one local date and time."""

    frequency: Literal["once"]
    at: dt.datetime = Field(description="Local date and time without an offset, such as 2026-12-24T09:00.")

    @field_validator("at")
    @classmethod
    def _local_minute(cls, value: dt.datetime) -> dt.datetime:
        if value.tzinfo is not None:
            raise ValueError("give local time without an offset; the zone is in `timezone`")
        if value.second or value.microsecond:
            raise ValueError("give a whole minute")
        return _sensible(value)


class Daily(_AtTime):
    """Every day."""

    frequency: Literal["daily"]


class Weekly(_AtTime):
    """On some days of the week."""

    frequency: Literal["weekly"]
    days: list[Weekday] = Field(min_length=1, max_length=7)


class NthWeekday(BaseModel):
    """The nth such weekday of the month; -1 is the last. A month without a fifth one is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    nth: Literal[1, 2, 3, 4, 5, -1]
    weekday: Weekday


class BusinessDay(BaseModel):
    """The nth business day of the month by the schedule's calendar (Monday to Friday without one); -1 is the last."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    business_day: int = Field(ge=-10, le=15)

    @field_validator("business_day")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError("count business days from 1 at the start of the month, or from -1 at its end")
        return value


class Monthly(_AtTime):
    """On one day of every month."""

    frequency: Literal["monthly"]
    day: Annotated[int, Field(ge=1, le=31)] | Literal["last"] | NthWeekday | BusinessDay


class Cron(_Timing):
    """By a cron expression of exactly five fields; `L` and `#` work."""

    frequency: Literal["cron"]
    expression: str = Field(max_length=200)

    @field_validator("expression")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        value = " ".join(value.split(" ")).strip()
        if not re.fullmatch(r"[0-9A-Za-z*/,#? -]+", value, re.ASCII):
            raise ValueError(
                "a cron expression holds letters, digits and * / , - # ? only; macros such as @daily do not"
            )
        fields = value.split()
        if len(fields) != 5:
            raise ValueError(
                f"'{value}' has {len(fields)} fields; give five: minute hour day-of-month month day-of-week"
            )
        if any(re.search(r"(^|[^A-Za-z])[RrHh]([^A-Za-z]|$)", field) for field in fields):
            raise ValueError(f"'{value}' uses R or H; random times cannot be shown before they fire")
        if not croniter.is_valid(" ".join(fields)):
            raise ValueError(f"'{value}' is not a cron expression, such as 0 9 * * mon-fri")
        return " ".join(fields)


Timing = Annotated[Immediate | Once | Daily | Weekly | Monthly | Cron, Field(discriminator="frequency")]
