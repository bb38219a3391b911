"""Define what the API answers about calendars, as models that the OpenAPI document shows too."""

from __future__ import annotations

import datetime as dt
from datetime import datetime

from pydantic import Field

from api.actions.view import View


class CalendarView(View):
    """A business calendar, without its days."""

    id: str
    title: str
    etag: str
    updated_at: datetime


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


class CountryView(View):
    """A country whose public holidays are known."""

    country: str = Field(examples=["DE"])
    subdivisions: list[str] = Field(examples=[["BE", "BY"]])
