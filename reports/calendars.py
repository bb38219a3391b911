"""Business calendars: from the stored definition to what the calculator asks."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from reports.errors import Invalid
from reports.repositories import catalog
from reports.timing import BusinessCalendar


class CalendarDefinition(BaseModel):
    """Which days nobody works: weekdays (Monday 0 to Sunday 6) and dates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weekend: list[Annotated[int, Field(ge=0, le=6)]] = Field(default=[5, 6], max_length=6)
    holidays: list[dt.date] = Field(default_factory=list, max_length=5000)

    def business(self) -> BusinessCalendar:
        """The calendar for the calculator."""
        return BusinessCalendar(frozenset(self.weekend), frozenset(self.holidays))


async def business_calendar(session: AsyncSession, calendar_id: str | None) -> BusinessCalendar:
    """The calendar of that id, or Monday to Friday for None.

    Raises:
        Invalid: there is none of that id.
    """
    if calendar_id is None:
        return BusinessCalendar()
    row = await catalog.calendar(session, calendar_id)
    if row is None:
        raise Invalid.at("timing.calendar", f"names the calendar '{calendar_id[:80]}', which does not exist.")
    return CalendarDefinition.model_validate(row.definition).business()
