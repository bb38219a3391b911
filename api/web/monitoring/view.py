"""Make the page Monitoring. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.incidents.views import IncidentView
from api.actions.monitoring.reading import House, Unread
from api.actions.view import PageView
from api.web.monitoring.charts import Panel, panels_of
from api.web.monitoring.figures import Figure, figures_of
from api.web.monitoring.incidents import HOME, Item, item_of
from api.web.monitoring.signs import Sign, signs_of
from api.web.parts import Empty, Link
from api.web.when import When
from api.web.words import count
from mailroom.settings import Settings
from mailroom.watching.levels.spec import Period

PERIODS = {Period.DAY: "24 h", Period.WEEK: "7 days", Period.MONTH: "30 days"}


@dataclass(frozen=True, slots=True)
class MonitoringPage:
    """The page.

    Attributes:
        whole: whether the visitor sees the figures of the whole installation; else only the own incidents are there.
        more: leads to the rest of the incidents; empty where all are shown.
        empty: stands in place of the charts about runs where there were none.
    """

    title: str
    status: str
    periods: tuple[Link, ...]
    whole: bool
    figures: tuple[Figure, ...]
    incidents: tuple[Item, ...]
    more: str
    empty: Empty | None
    panels: tuple[Panel, ...]
    signs: tuple[Sign, ...]


def page_of(
    house: House | None, found: PageView[IncidentView], period: Period, settings: Settings, when: When
) -> MonitoringPage:
    """Return the page; without a house it is of those who do not see everything."""
    here = HOME if period is Period.DAY else f"{HOME}?period={period}"
    total = house.open_incidents if house and not isinstance(house.open_incidents, Unread) else len(found.items)
    more = f"{HOME}?{'' if period is Period.DAY else f'period={period}&'}cursor={found.next_cursor}"
    return MonitoringPage(
        title=f"{count(total, 'open incident')} · Monitoring" if total else "Monitoring",
        status=f"The last {PERIODS[period]} · times in {when.zone.key}" if house else f"Times in {when.zone.key}",
        periods=tuple(
            Link(HOME if one is Period.DAY else f"{HOME}?period={one}", words, current=one is period)
            for one, words in PERIODS.items()
        ),
        whole=house is not None,
        figures=figures_of(house, period) if house else (),
        incidents=tuple(item_of(one, when, f"{here}#incidents", may_handle=house is not None) for one in found.items),
        more=f"{more}#incidents" if found.next_cursor else "",
        empty=_empty(house, period, when) if house else None,
        panels=panels_of(house, period, when) if house else (),
        signs=signs_of(house.beats, settings, when) if house else (),
    )


def _empty(house: House, period: Period, when: When) -> Empty | None:
    if isinstance(house.series, Unread) or any(step.total for step in house.series.steps):
        return None
    heading = f"No runs in {PERIODS[period]}"
    if isinstance(house.next_due, Unread):
        return Empty(heading, "When the next one is due could not be read.")
    if house.next_due is None:
        first = Link("/schedules/new", "New schedule", icon="plus")
        return Empty(heading, "No schedule is active, so none will come by itself.", (first,))
    at = when.moment(house.next_due, relative=True)
    return Empty(heading, f"The next is {at.text} ({at.relative}).", (Link("/schedules", "See the schedules"),))
