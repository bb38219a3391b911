"""Define what the API answers about load, as models that the OpenAPI document shows too."""

from __future__ import annotations

import datetime as dt
from datetime import datetime

from pydantic import Field

from api.actions.view import View


class BusiestMinute(View):
    """The minute of a day in which the most schedules are due."""

    at: datetime
    local: datetime
    runs: int


class LoadView(View):
    """The number of runs due through a local day, by the timings as they are now."""

    date: dt.date
    timezone: str
    start: datetime = Field(description="The day's midnight, where the first bucket begins.")
    bucket_minutes: int = Field(examples=[15])
    runs: list[int] = Field(description="Runs in each bucket; 92 or 100 of them on days when the clocks change.")
    total: int
    busiest: BusiestMinute | None
    crowded_above: int = Field(description="More runs than this in one minute are warned of.")
