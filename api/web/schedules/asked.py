"""Read what the address of the list of schedules asks for, and write such addresses. Pure.

What an address says and nobody knows, such as a state of a former version, is left out: an old bookmark still works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, timedelta
from typing import get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from api.actions.schedules.filters import ScheduleFilter, Sort
from mailroom.states import ScheduleState

HERE = "/schedules"
VIEWS = ("all", "mine", "failing", "today", "paused", "drafts")
DUE = ("today", "tomorrow", "week")
FAILING = "failing"
STATES = (FAILING, *(state for state in ScheduleState if state is not ScheduleState.DELETED))
_LENGTHS = {"search": 200, "report": 80, "owner": 80, "to": 150, "recipient": 320, "cursor": 1000}


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what an address asks for; everything that is empty is not asked for.

    Attributes:
        view: one of `VIEWS`.
        state: one of `STATES`.
        to: a channel, or a channel and a connection such as `email:corp-smtp`.
        due: one of `DUE`.
    """

    view: str = ""
    search: str = ""
    state: str = ""
    report: str = ""
    owner: str = ""
    to: str = ""
    recipient: str = ""
    due: str = ""
    sort: str = ""
    cursor: str = ""

    @property
    def order(self) -> Sort:
        """Return the order of the list: failing ones first, unless another one is asked for."""
        found: Sort = self.sort or "attention"  # type: ignore[assignment]  # read_asked lets nothing else in
        return found

    @property
    def narrowed(self) -> bool:
        """Return whether a filter is set besides the view."""
        return any((self.search, self.state, self.report, self.owner, self.to, self.recipient, self.due))

    def link(self, **changes: str) -> str:
        """Return the address with these changes; it begins at the first page, unless a cursor is among them."""
        return _address(replace(self, **{"cursor": "", **changes}))

    def query(self) -> str:
        """Return what of the address can be kept as a view: everything but the place in the list."""
        return _address(replace(self, cursor="")).removeprefix(HERE).removeprefix("?")

    def only_view(self) -> str:
        """Return the address without filters."""
        return _address(Asked(view=self.view, sort=self.sort))

    def filter(self, me: str, today: tuple[datetime, datetime]) -> ScheduleFilter:
        """Return it as the action takes it.

        Args:
            me: the id of who asks.
            today: where the day of who asks begins and ends.
        """
        channel, _, connection = self.to.partition(":")
        state = self.state or {"failing": FAILING, "paused": str(ScheduleState.PAUSED)}.get(self.view, "")
        due_from, due_to = _period(self.due or ("today" if self.view == "today" else ""), today)
        return ScheduleFilter(
            state=ScheduleState(state) if state and state != FAILING else None,
            failing=True if state == FAILING or (self.view == "failing" and not self.state) else None,
            report_id=self.report or None,
            owner=self.owner or (me if self.view == "mine" else None),
            search=self.search or None,
            recipient=self.recipient or None,
            channel=channel or None,
            connection=connection or None,
            due_from=due_from,
            due_to=due_to,
        )


def read_asked(given: Mapping[str, str]) -> Asked:
    """Return what an address asks for."""
    found = {name: given.get(name, "").strip()[: _LENGTHS.get(name, 40)] for name in Asked.__dataclass_fields__}
    known = {"view": VIEWS, "state": STATES, "due": DUE, "sort": get_args(Sort)}
    return Asked(**{name: "" if name in known and text not in known[name] else text for name, text in found.items()})


def today_of(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return where the day of a zone begins and ends."""
    day = now.astimezone(zone).date()
    begins, ends = (datetime.combine(one, time.min, zone) for one in (day, day + timedelta(days=1)))
    return begins, ends


def _period(due: str, today: tuple[datetime, datetime]) -> tuple[datetime | None, datetime | None]:
    begins, ends = today
    # Days are added to a local time, so that a day on which the clocks change ends at midnight all the same.
    match due:
        case "today":
            return begins, ends
        case "tomorrow":
            return ends, ends + timedelta(days=1)
        case "week":
            return begins, begins + timedelta(days=7)
        case _:
            return None, None


def _address(asked: Asked) -> str:
    query = urlencode(
        [(name, value) for name, value in asdict(asked).items() if value and (name, value) != ("view", "all")]
    )
    return f"{HERE}?{query}" if query else HERE
