"""Define what the API answers about the ledger of a period."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.stats.figures import FiguresView
from api.actions.view import View
from mailroom.states import ExecutionState


class MissingView(View):
    """A due time that is not in the ledger."""

    schedule_id: str
    schedule_name: str
    due_at: datetime


class StatsView(View):
    """Counts of what was due after `since` and up to `until`, by state; `due` = `accounted` + `unaccounted`."""

    since: datetime
    until: datetime
    due: int
    accounted: int
    unaccounted: int = Field(
        description=("The number of due times that are missing from the ledger. The watchdog keeps this at 0.")
    )
    by_state: dict[ExecutionState, int]
    missing: list[MissingView] = Field(description="The first 20 due times that are missing from the ledger.")
    figures: FiguresView | None = Field(
        default=None,
        description="The figures of the installation at this moment, whatever the period; null for who is no admin.",
    )
