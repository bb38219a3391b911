"""Define what the API answers about calendars, as models that the OpenAPI document shows too."""

from __future__ import annotations

import datetime as dt
from datetime import datetime

from pydantic import Field

from api.actions.view import View
from mailroom.states import ScheduleState


class CalendarView(View):
    """A business calendar, without its days."""

    id: str
    title: str
    etag: str
    updated_at: datetime
    used_by: int | None = Field(
        default=None, description="How many schedules are on it; null where nobody asked for it (`uses`)."
    )


class DayOff(View):
    """A holiday."""

    date: dt.date
    name: str


class CalendarDetail(CalendarView):
    """A business calendar; `days_off` are its holidays of the coming year, the country's included."""

    country: str | None
    subdivision: str | None
    weekend: list[str]
    holidays: list[DayOff]
    working_days: list[dt.date]
    days_off: list[DayOff]


class MovedView(View):
    """The first due time of a schedule that a change of its calendar moves."""

    schedule_id: str
    name: str
    timezone: str
    was: datetime | None = Field(description="When it is due now; null where the due time is new.")
    becomes: datetime | None = Field(description="When it would be due; null where the due time falls away.")


class EffectView(View):
    """Hold what a change of a calendar would move within the coming year."""

    used_by: int = Field(description="How many schedules are on the calendar.")
    count: int = Field(description="How many of them would move.")
    moved: list[MovedView] = Field(description="Those that you may see, the earliest change first.")
    hidden: int = Field(description="How many more would move that you may not see.")
    not_looked_at: int = Field(description="How many were not worked out, since there are too many.")


class CalendarUserView(View):
    """A schedule that is on a calendar."""

    id: str
    name: str
    state: ScheduleState


class CalendarUsersView(View):
    """The schedules that are on a calendar: named as far as the caller may see them, the rest counted."""

    schedules: list[CalendarUserView]
    more: int = Field(description="How many more schedules are on it: not the caller's to see, or over 100.")


class CountryView(View):
    """A country whose public holidays are known."""

    country: str = Field(examples=["DE"])
    subdivisions: list[str] = Field(examples=[["BE", "BY"]])
