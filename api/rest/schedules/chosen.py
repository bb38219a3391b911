"""Read which schedules a list is to have from the query string."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from api.actions.schedules.filters import ScheduleFilter
from mailroom.states import ScheduleState


def _described(field: str, most: int | None = None) -> object:
    """Return the query parameter of a field of the filter, with its words."""
    return Query(max_length=most, description=ScheduleFilter.model_fields[field].description)


def _chosen(
    *,
    state: ScheduleState | None = None,
    report_id: Annotated[str | None, _described("report_id", 80)] = None,
    owner: Annotated[str | None, _described("owner", 80)] = None,
    search: Annotated[str | None, _described("search", 200)] = None,
    failing: Annotated[bool | None, _described("failing")] = None,
    recipient: Annotated[str | None, _described("recipient", 320)] = None,
    channel: Annotated[str | None, _described("channel", 40)] = None,
    connection: Annotated[str | None, _described("connection", 100)] = None,
    due_from: Annotated[AwareDatetime | None, _described("due_from")] = None,
    due_to: Annotated[AwareDatetime | None, _described("due_to")] = None,
) -> ScheduleFilter:
    return ScheduleFilter(
        state=state,
        report_id=report_id,
        owner=owner,
        search=search,
        failing=failing,
        recipient=recipient,
        channel=channel,
        connection=connection,
        due_from=due_from,
        due_to=due_to,
    )


ChosenDep = Annotated[ScheduleFilter, Depends(_chosen)]
