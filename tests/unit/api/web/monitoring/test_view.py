"""The page Monitoring: figures against goals, charts with findings, signs of life, and what is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from api.actions.incidents.views import AlertView, IncidentDetail
from api.actions.monitoring.reading import House, Unread
from api.actions.view import PageView
from api.web.drawings.ranks import Rank, ranks
from api.web.monitoring import incidents
from api.web.monitoring.view import MonitoringPage, page_of
from api.web.when import When
from mailroom.alerts.spec import AlertState
from mailroom.heartbeats.spec import WRITER, Beat
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.notifications.kinds import Route
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from mailroom.watching.levels.decide import success
from mailroom.watching.levels.spec import GOALS, LevelName, Levels, Period
from mailroom.watching.levels.spec import Level as ServiceLevel
from mailroom.watching.series.spec import DayLoad, DestinationFailures, Queue, Series, SlowReport, Step
from mailroom.watching.signs.prefect import PrefectSigns, WorkerSign
from mailroom.watching.signs.written import of_prefect

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
WHEN = When(BERLIN, Locale("en", "GB"), hours24=True, now=NOW)
HOUR = timedelta(hours=1)
S = ExecutionState
LOST = Unread("0123456789abcdef")
SETTINGS = Settings()


def levels(good: int, total: int) -> Levels:
    """Return levels of which the first has these counts; nothing failed."""
    one = ServiceLevel(LevelName.SUCCESS, good, total, GOALS[LevelName.SUCCESS])
    on_time = replace(one, name=LevelName.ON_TIME, goal=GOALS[LevelName.ON_TIME])
    recovery = ServiceLevel(LevelName.RECOVERY, 0, 0, GOALS[LevelName.RECOVERY])
    return Levels(Period.DAY, NOW - 24 * HOUR, NOW, one, on_time, recovery)


def series(*steps: Step, by_day: bool = False) -> Series:
    """Return what is drawn of these steps, with a destination that fails and a slow report."""
    return Series(
        since=NOW - 24 * HOUR,
        until=NOW,
        by_day=by_day,
        steps=steps,
        destinations=(DestinationFailures("sftp", "partner", 3, 12),),
        more_destinations=2,
        reports=(SlowReport("orders", "Orders", 4, 31.0, 48.0),),
        more_reports=0,
    )


GOOD = Step(NOW - 2 * HOUR, {S.SUCCESS: 10}, 4.0, 9.0)
BAD = Step(NOW - HOUR, {S.SUCCESS: 8, S.FAILED: 1, S.MISSED: 1}, 12.0, 250.0)
HOUSE = House(
    levels=levels(18, 20),
    series=series(GOOD, BAD),
    queue=Queue(waiting=2, running=1, oldest_due=NOW - timedelta(minutes=4)),
    load=DayLoad(NOW.astimezone(BERLIN).replace(hour=0), (0,) * 36 + (7,) + (0,) * 59, NOW, 5),
    beats=[],
    open_incidents=0,
    next_due=NOW + HOUR,
)
INCIDENT = IncidentDetail(
    id="i-1",
    kind=IncidentKind.CONNECTION_FAILING,
    subject="partner",
    severity=Severity.CRITICAL,
    title="The connection partner does not work",
    what="Reports wait. Run `mailroom doctor` to look.",
    to_do=["Start a worker again; `mailroom doctor` shows what is missing."],
    over="",
    opened_at=NOW - HOUR,
    last_seen_at=NOW,
    resolved_at=None,
    level=Level.OWNER,
    next_level_at=NOW + HOUR,
    acknowledged_at=None,
    acknowledged_by=None,
    muted_until=None,
    merged_into=None,
    execution_id=None,
    schedules=[],
    schedule_count=3,
    alerts=[],
)


def page(house: House | None = HOUSE, *found: IncidentDetail, period: Period = Period.DAY) -> MonitoringPage:
    """Return the page."""
    return page_of(house, PageView(items=list(found), next_cursor=None), period, SETTINGS, WHEN)


def test_each_figure_stands_against_its_goal_and_leads_to_what_it_counts() -> None:
    succeed, on_time, recover, wrong = page(replace(HOUSE, open_incidents=2)).figures
    assert (succeed.value, succeed.chip and succeed.chip.tone) == ("90.0 %", "warn")
    assert "99.9 %" in succeed.told
    counted, bad = succeed.links
    assert "period=24h" in counted.href
    assert "kind=scheduled" in counted.href
    assert [part for part in bad.href.split("&") if "state=" in part] != []
    assert "state=success" not in bad.href
    assert on_time.links
    assert (recover.value, recover.chip, recover.links) == ("–", None, ()), "nothing failed, so nothing is promised"
    assert (wrong.value, wrong.links[0].href) == ("2", "#incidents")


def test_a_share_is_not_rounded_to_all_while_something_failed() -> None:
    figure = page(replace(HOUSE, levels=levels(99_999, 100_000))).figures[0]
    assert (figure.value, figure.chip and figure.chip.tone) == ("99.9 %", "ok")


def test_what_cannot_be_read_says_so_and_hides_no_other() -> None:
    whole = page(replace(HOUSE, levels=LOST, open_incidents=LOST))
    assert [one.value for one in whole.figures] == ["–"] * 4
    assert all(LOST.error_id[:8] in one.told for one in whole.figures)
    assert [panel.chart is None for panel in whole.panels] == [False] * 6
    nothing = page(House(LOST, LOST, LOST, LOST, LOST, LOST, LOST))
    assert [panel.id for panel in nothing.panels] == [panel.id for panel in whole.panels]
    assert all(panel.chart is None and panel.told.startswith("–") for panel in nothing.panels)
    assert nothing.empty is None, "what is not known is not nothing"
    assert [sign.last for sign in nothing.signs] == [None] * 4


def test_without_runs_the_page_says_when_the_next_one_is() -> None:
    quiet = replace(HOUSE, levels=levels(0, 0), series=series(Step(NOW)))
    shown = page(quiet)
    assert shown.empty
    assert (shown.empty.heading, "10:00 CET" in shown.empty.words) == ("No runs in 24 h", True)
    assert [panel.id for panel in shown.panels] == ["queue", "load"]
    never = page(replace(quiet, next_due=None), period=Period.WEEK).empty
    assert never
    assert (never.heading, never.links[0].href) == ("No runs in 7 days", "/schedules/new")


def test_each_chart_begins_with_its_finding_and_names_its_zone() -> None:
    charts = {panel.id: panel.chart for panel in page().panels}
    outcomes, lateness = charts["outcomes"], charts["lateness"]
    assert outcomes
    assert lateness
    assert "Of 20 runs, 2 did not reach everybody" in outcomes.finding
    assert "08:00 CET" in outcomes.finding
    assert outcomes.head == ("Hour (Europe/Berlin)", "Delivered", "Failed, missed")
    assert outcomes.rows == (("07:00", "10", "0"), ("08:00", "8", "2"))
    assert "4 min 10 s" in lateness.finding
    assert lateness.rows[1][1] == "4.17 min"
    failures, slow, queue, load = (charts[name] for name in ("destinations", "reports", "queue", "load"))
    assert failures
    assert "3 of 12" in failures.finding
    assert "2 more destinations" in failures.finding
    assert failures.rows == (("partner (SFTP)", "3", "12", "25.0 %"),)
    assert slow
    assert slow.rows[0][0] == "Orders"
    assert queue
    assert "4 min" in queue.finding
    assert load
    assert "09:00 CET with 5" in load.finding
    assert load.rows[36] == ("09:00", "7")


def test_days_stand_for_hours_in_a_long_period() -> None:
    days = [Step(NOW - timedelta(days=day), {S.SUCCESS: 1}, 1.0, 2.0) for day in (2, 1, 0)]
    panels = page(replace(HOUSE, series=series(*days, by_day=True)), period=Period.MONTH).panels
    assert panels[0].chart
    assert panels[0].chart.head[0] == "Day (Europe/Berlin)"
    assert panels[0].chart.rows[2][0] == "Thu 26 Nov"
    assert [link.current for link in page(period=Period.MONTH).periods] == [False, False, True]


def test_signs_say_who_is_heard() -> None:
    began = NOW - 24 * HOUR
    heard = PrefectSigns(
        version="3",
        workers=(WorkerSign(name="w", heard_at=NOW - timedelta(seconds=8), interval=10),),
        planned_until=NOW + timedelta(minutes=15),
    )
    beats = [
        Beat(WRITER, "api a:1", began, NOW, 40),
        Beat("reconciler", "api a:1", began, NOW - HOUR, 60),
        Beat("reconciler", "api b:1", began, NOW, 60),
        Beat("watchdog", "api a:1", began, NOW - HOUR, 60),
        of_prefect(heard, None, process="api a:1", began_at=began, now=NOW),
    ]
    scheduler, worker, reconciler, watchdog = page(replace(HOUSE, beats=beats)).signs
    assert [one.chip.tone for one in (scheduler, worker, reconciler, watchdog)] == ["ok", "ok", "ok", "bad"]
    assert "09:15 CET" in scheduler.told
    assert worker.last
    assert worker.last.iso.endswith("07:59:52Z")
    assert [one.last for one in page().signs] == [None] * 4


def test_who_does_not_see_everything_sees_only_what_is_wrong() -> None:
    shown = page(None, INCIDENT)
    assert (shown.figures, shown.panels, shown.signs, shown.empty) == ((), (), (), None)
    (one,) = shown.incidents
    assert (one.handling.acknowledge, one.handling.mute) == (None, None), "the page of the incident knows who may"
    assert shown.title.startswith("1 open incident")


def test_an_incident_offers_what_is_not_done_yet() -> None:
    (fresh,) = page(HOUSE, INCIDENT).incidents
    assert fresh.handling.acknowledge
    assert fresh.handling.mute
    assert (fresh.handling.unmute, fresh.taken, fresh.concerns) == (None, "", "3 schedules")
    taken = INCIDENT.model_copy(
        update={"acknowledged_at": NOW, "acknowledged_by": "ada@example.com", "muted_until": NOW + HOUR}
    )
    (one,) = page(HOUSE, taken).incidents
    assert (one.handling.acknowledge, one.handling.mute, bool(one.handling.unmute)) == (None, None, True)
    assert "ada@example.com" in one.taken
    assert "10:00 CET" in one.taken
    over = incidents.page_of(INCIDENT.model_copy(update={"resolved_at": NOW}), WHEN, may_handle=True)
    assert (over.item.handling, over.is_over, bool(over.ended)) == (incidents.Handling(), True, True)


def test_what_only_programs_and_operators_can_use_is_not_on_a_page() -> None:
    shown = incidents.page_of(INCIDENT, WHEN, may_handle=False)
    assert "mailroom" not in shown.item.what
    assert len(shown.todo) == 1
    assert "`" not in shown.todo[0]
    assert shown.others == "3 other schedules"


@pytest.mark.parametrize("route", Route)
def test_an_alert_names_no_id(route: Route) -> None:
    told = AlertView(
        id="a",
        stage=Stage.OPENED,
        level=Level.OWNER,
        route=route,
        target="5f0c",
        state=AlertState.SENT,
        attempts=1,
        sent_at=NOW,
        error="",
        created_at=NOW,
    )
    (one,) = incidents.page_of(INCIDENT.model_copy(update={"alerts": [told]}), WHEN, may_handle=False).alerts
    assert (one.to == "5f0c") == (route is Route.MAIL)
    assert one.chip.tone == "ok"


def test_every_word_of_an_incident_has_words() -> None:
    assert set(incidents.LEVELS) == set(Level)
    assert set(incidents.STAGES) == set(Stage)
    assert set(incidents.ROUTES) == set(Route)
    assert set(incidents.ALERTS) == set(AlertState)
    assert incidents.USUAL_MUTE in incidents.MUTES


def test_the_longest_bar_goes_all_the_way() -> None:
    found = ranks("x", ("Name", "n"), [Rank("a" * 60, 8, "8", ("8",)), Rank("b", 2, "2", ("2",))])
    assert [bar.width for bar in found.bars] == [found.width, found.width / 4]
    assert found.rows[0][0] == "a" * 60, "the table has the whole name"
    assert len(found.texts[0].words) < 60
    assert ranks("x", ("Name",), []).bars == ()


def test_levels_without_runs_have_no_share() -> None:
    assert success({}).share is None
    assert page(replace(HOUSE, levels=levels(0, 0))).figures[0].value == "–"
