"""The model of a timing, validated so that whatever is stored can fire.

Short months: day 29, 30 or 31 fires on the last day of a month that is shorter; a fifth weekday or a business day that
a month does not have is left out. Gap and fold: see `zones`.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, TypeAdapter, field_validator, model_validator

from mailroom.timing.cron import read_cron
from mailroom.timing.zones import zone_named
from mailroom.zone_names import known_zones

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = TypeVar("Day", bound=dt.date)
Holiday = Literal["run", "skip", "next", "previous"]


def _sensible(value: Day) -> Day:
    """Refuse years at the ends of the calendar, which overflow when zones and horizons are added."""
    if not 1970 <= value.year <= 2999:
        raise ValueError(f"the year {value.year} is not between 1970 and 2999")
    return value


class _Timing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    timezone: str = Field(default="UTC", description="The IANA name of the time zone, such as Europe/Berlin.")
    starts_on: dt.date | None = None
    ends_on: dt.date | None = Field(default=None, description="The last day on which a run may be due.")
    calendar: str | None = Field(default=None, description="The id of a business calendar.")
    on_holiday: Holiday = "run"

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone's rules."""
        return zone_named(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in known_zones():
            raise ValueError(f"'{value[:60]}' is not a time zone in the IANA list; use a name such as Europe/Berlin")
        return value

    @field_validator("starts_on", "ends_on")
    @classmethod
    def _sensible_year(cls, value: dt.date | None) -> dt.date | None:
        return value and _sensible(value)

    @model_validator(mode="after")
    def _ends_after_start(self) -> _Timing:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} is before starts_on {self.starts_on}")
        if self.on_holiday != "run" and not self.calendar:
            raise ValueError(f"on_holiday: {self.on_holiday} needs a calendar that knows the holidays")
        return self


def _minute(value: Any) -> Any:
    """Take `HH:MM` only: seconds and offsets would promise what cron cannot keep, and a number would count as UTC."""
    if isinstance(value, dt.time) or (isinstance(value, str) and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value)):
        return value
    raise ValueError(f"'{str(value)[:40]}' is not a time of day such as 09:00")


# Written as it is read: `time` as JSON has seconds, which `_minute` refuses.
TimeOfDay = Annotated[
    dt.time,
    PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str, when_used="json"),
    Field(description="The local time of day, HH:MM."),
]


class _AtTime(_Timing):
    at: TimeOfDay

    _check_at = field_validator("at", mode="before")(_minute)


class Immediate(_Timing):
    """One run, as soon as the schedule is saved."""

    frequency: Literal["immediate"]


class Once(_Timing):
    """One run at a local date and time."""

    frequency: Literal["once"]
    at: dt.datetime = Field(description="The local date and time without an offset, such as 2026-12-24T09:00.")

    @field_validator("at")
    @classmethod
    def _local_minute(cls, value: dt.datetime) -> dt.datetime:
        if value.tzinfo is not None:
            raise ValueError("give the local time without an offset; the time zone is in `timezone`")
        if value.second or value.microsecond:
            raise ValueError("give the time in whole minutes")
        return _sensible(value)


class Daily(_AtTime):
    """A run every day."""

    frequency: Literal["daily"]


class Weekly(_AtTime):
    """A run on some days of the week."""

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


DayRule = Annotated[int, Field(ge=1, le=31)] | Literal["last"] | NthWeekday | BusinessDay
"""One day of a month."""


class Monthly(_AtTime):
    """A run on one day of every month."""

    frequency: Literal["monthly"]
    day: DayRule


class Quarterly(_AtTime):
    """A run on one day of one month of every quarter; quarters begin in January, April, July and October."""

    frequency: Literal["quarterly"]
    month_of_quarter: int = Field(ge=1, le=3)
    day: DayRule


class Yearly(_AtTime):
    """A run on one day of one month of every year; 29 February is the 28th in a common year."""

    frequency: Literal["yearly"]
    month: int = Field(ge=1, le=12)
    day: DayRule


class Hourly(_Timing):
    """A run every N hours of the wall clock, counted each day from `from`, up to and including `until`.

    It repeats: where the clocks go back, the hour that comes twice fires twice; no hour is lost.
    """

    frequency: Literal["hourly"]
    every: int = Field(default=1, ge=1, le=12, description="Hours.")
    from_: TimeOfDay = Field(default=dt.time(0, 0), alias="from", description="The first time of each day, HH:MM.")
    until: TimeOfDay = Field(default=dt.time(23, 59), description="The latest time of each day, HH:MM.")
    days: list[Weekday] | None = Field(
        default=None, min_length=1, max_length=7, description=("The days of the week. By default, every day.")
    )

    _check_times = field_validator("from_", "until", mode="before")(_minute)

    @model_validator(mode="after")
    def _upwards(self) -> Hourly:
        if self.until < self.from_:
            raise ValueError(
                f"until {self.until:%H:%M} is before from {self.from_:%H:%M}; "
                "for hours past midnight, create two schedules, the first until 23:59"
            )
        return self


class Cron(_Timing):
    """A cron expression of five fields with names, `L` and `#`; day-of-month and day-of-week are alternatives.

    One whose minute or hour field begins with `*` repeats: it fires in both hours of a fold and in none of a gap.
    """

    frequency: Literal["cron"]
    expression: str = Field(max_length=200)

    @field_validator("expression")
    @classmethod
    def _taken(cls, value: str) -> str:
        value = " ".join(part for part in value.split(" ") if part)
        read_cron(value)
        return value


Recurring = Daily | Weekly | Monthly | Quarterly | Yearly | Hourly | Cron
Timing = Annotated[
    Immediate | Once | Hourly | Daily | Weekly | Monthly | Quarterly | Yearly | Cron, Field(discriminator="frequency")
]

TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
"""Reads a timing that was stored as JSON."""
