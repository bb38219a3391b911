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
    """The number of runs due on a local day, by the present timings."""

    date: dt.date
    timezone: str
    start: datetime = Field(description="Midnight at the start of the day, where the first bucket begins.")
    bucket_minutes: int = Field(examples=[15])
    runs: list[int] = Field(
        description=(
            "The number of runs in each quarter of an hour: 96 values, or 92 or 100 on days when the clocks change."
        )
    )
    total: int
    busiest: BusiestMinute | None
    crowded_above: int = Field(description="Schedules get a warning when more runs than this are due in one minute.")
