"""Give the variables of a schedule's texts and paths their values at a due time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.reports.dates import window_days
from prefect_mailroom.text import variables
from prefect_mailroom.text.formats import Value


def values_at(
    due_at: datetime,
    *,
    timezone: str,
    report_id: str,
    report_title: str,
    schedule_name: str,
    data_window: str | None,
    parameters: Mapping[str, Any],
    execution_id: str,
) -> dict[str, Value]:
    """Return the value of each variable.

    Args:
        timezone: the schedule's, since date and time are the reader's.
        data_window: the names of the parameters that bound the data, as the report gives them.
        parameters: the final values, with relative dates resolved. Texts take those that are a text or a whole number.
    """
    first, last = window_days(data_window, parameters)
    return variables.values(
        report_name=report_title,
        report_slug=report_id,
        schedule_name=schedule_name,
        due=due_at.astimezone(ZoneInfo(timezone)),
        execution_id=execution_id,
        window_from=first,
        window_to=last,
        parameters={
            name: value
            for name, value in parameters.items()
            if isinstance(value, str | int) and not isinstance(value, bool)
        },
    )
