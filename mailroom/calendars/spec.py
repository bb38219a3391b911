"""Business calendars: from the stored definition to what the calculator asks.

Public holidays are those of the library `holidays`, which knows them by rule up to about the year 2100.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache, lru_cache, partial
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from mailroom.timing import BusinessCalendar
from mailroom.timing.model import WEEKDAYS, Weekday


@cache
def countries() -> dict[str, tuple[str, ...]]:
    """Return the ISO 3166 codes of the countries whose holidays are known, with the codes of their subdivisions."""
    import holidays  # noqa: PLC0415  60 ms, and only calendars need it

    known = holidays.list_supported_countries(include_aliases=False)
    return {code: tuple(parts) for code, parts in sorted(known.items()) if len(code) == 2}


@lru_cache(maxsize=4096)
def public_holidays(country: str, subdivision: str | None, year: int) -> Mapping[dt.date, str]:
    """Return the public holidays of a year with their names, in English where the library has them so. Kept."""
    import holidays  # noqa: PLC0415  see above

    return MappingProxyType(dict(holidays.country_holidays(country, subdiv=subdivision, years=year, language="en_US")))


class OwnHoliday(BaseModel):
    """A day off in this calendar, in addition to the public holidays of its country."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: dt.date
    name: str = Field(default="Holiday", min_length=1, max_length=100)


class CalendarDefinition(BaseModel):
    """The days off of a calendar: the weekend, the public holidays of its country and its own holidays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}$",
        description=(
            "The ISO 3166 code of the country whose public holidays are days off, such as DE. Without it "
            "there are none."
        ),
    )
    subdivision: str | None = Field(default=None, max_length=40, description="The part of the country, such as BY.")
    weekend: list[Weekday] = Field(default=["sat", "sun"], max_length=6)
    holidays: list[OwnHoliday] = Field(default_factory=list, max_length=5000)
    working_days: list[dt.date] = Field(
        default_factory=list,
        max_length=5000,
        description=("Dates that are working days although they are public holidays or at a weekend."),
    )

    @field_validator("country")
    @classmethod
    def _known_country(cls, value: str | None) -> str | None:
        if value is not None and value not in countries():
            message = "'{country}' is not a country whose public holidays are known."
            raise PydanticCustomError("unknown_country", message, {"country": value})
        return value

    @model_validator(mode="after")
    def _consistent(self) -> CalendarDefinition:
        if self.subdivision is not None:
            known = countries().get(self.country or "", ())
            if self.subdivision not in known:
                there = (
                    f"{self.country} has these: {', '.join(known) or 'none'}"
                    if self.country
                    else ("a subdivision needs a country")
                )
                raise ValueError(f"'{self.subdivision}' is not a known subdivision: {there}")
        if both := {own.date for own in self.holidays} & set(self.working_days):
            raise ValueError(f"{min(both)} is both in holidays and in working_days; take it out of one")
        return self

    def business(self) -> BusinessCalendar:
        """Return the calendar for the calculator."""
        return BusinessCalendar(
            weekend=frozenset(WEEKDAYS.index(day) for day in self.weekend),
            holidays={own.date: own.name for own in self.holidays},
            working=frozenset(self.working_days),
            **({"country": partial(public_holidays, self.country, self.subdivision)} if self.country else {}),
        )

    def days_off(self, start: dt.date, days: int = 366) -> list[OwnHoliday]:
        """Return the holidays of so many days from `start` on, the country's and the calendar's own."""
        business = self.business()
        ahead = (start + dt.timedelta(days=number) for number in range(days))
        return [OwnHoliday(date=day, name=name) for day in ahead if (name := business.holiday(day))]
