"""Choose schedules by what a user knows of them. Pure: it makes conditions for a query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from mailroom.executions.history.last_result import Attention
from mailroom.recipients.repository import sends_to
from mailroom.states import ScheduleState
from mailroom.storage.model.schedules.lists import ScheduleDestination
from mailroom.storage.tables import Schedule


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of schedules: those that are not deleted and match every given condition.

    Attributes:
        failing: whether they need somebody's attention, see `mailroom.executions.history.last_result`.
        user_id: who owns them.
        search: text that their names contain, whatever its case.
        recipient: a mail address that they send to, whatever its case.
        due_from, due_to: the next due time is from the first on, and before the second.
    """

    state: ScheduleState | None = None
    failing: bool | None = None
    report_id: str | None = None
    user_id: str | None = None
    search: str | None = None
    recipient: str | None = None
    channel: str | None = None
    connection: str | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions, without who may see the schedules."""
        found = [Schedule.attention < Attention.DELETED, Schedule.state != ScheduleState.DELETED]
        if self.failing is not None:
            found.append(Schedule.attention == (Attention.FAILING if self.failing else Attention.NONE))
        equal = ((Schedule.state, self.state), (Schedule.report_id, self.report_id), (Schedule.user_id, self.user_id))
        found += [column == value for column, value in equal if value]
        if self.search:
            found.append(Schedule.name.icontains(self.search, autoescape=True))
        if self.recipient:
            found.append(sends_to(self.recipient.strip().lower()))
        if self.channel or self.connection:
            found.append(self._destination())
        if self.due_from:
            found.append(Schedule.next_run >= self.due_from)
        if self.due_to:
            found.append(Schedule.next_run < self.due_to)
        return found

    def _destination(self) -> ColumnElement[bool]:
        """Return the condition that one destination matches both what is said of channel and of connection."""
        among = select(ScheduleDestination.schedule_id)
        if self.channel:
            among = among.where(ScheduleDestination.channel == self.channel)
        if self.connection:
            among = among.where(ScheduleDestination.connection == self.connection)
        return Schedule.id.in_(among)


EVERYTHING = Choice()
