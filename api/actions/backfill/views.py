"""Define what the API answers about a backfill."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View


class LeftOutView(View):
    """A due time of the range that is not backfilled."""

    due_at: datetime
    reason: str


class BackfillView(View):
    """The due times of a backfill in order, their executions (none after a dry run), and the due times left out."""

    due: list[datetime]
    executions: list[str]
    left_out: list[LeftOutView]
    links: dict[str, str] = Field(default_factory=dict)
