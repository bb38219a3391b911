"""List the pages to look at: their names, their addresses on a stage, and whose eyes they are for."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Browser
from sqlalchemy import Select, select

from bench.browsing.chromium import window
from bench.browsing.stage import Stage
from mailroom.incidents.spec import IncidentKind
from mailroom.roles import Role
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Execution, Schedule


@dataclass(frozen=True, slots=True)
class Look:
    """A page to look at. In `path`, names in braces stand for ids of the stage, see `addresses`."""

    name: str
    path: str
    role: Role = Role.ADMIN


LOOKS = (
    Look("login", "/login"),
    Look("schedules", "/schedules"),
    Look("schedules-none-found", "/schedules?search=nothing-has-this-name"),
    Look("schedules-viewer", "/schedules", Role.VIEWER),
    Look("schedule", "/schedules/{schedule}"),
    Look("schedule-suspended", "/schedules/{suspended}"),
    Look("schedule-as-code", "/schedules/{schedule}/code"),
    Look("schedule-run-now", "/schedules/{schedule}/run"),
    Look("schedule-condition", "/schedules/{schedule}/condition?condition-send_if=changed"),
    Look("schedule-condition-wrong", "/schedules/{schedule}/condition?condition-send_if=threshold"),
    Look("executions", "/executions"),
    Look("execution", "/executions/{delivered}"),
    Look("execution-partial", "/executions/{partial}"),
    Look("execution-failed", "/executions/{failed}"),
    Look("execution-missed", "/executions/{missed}"),
    Look("wizard-report", "/schedules/new"),
    Look("wizard-frequency", "/drafts/{draft}/frequency"),
    Look("wizard-parameters", "/drafts/{copy}/parameters"),
    Look("wizard-destinations", "/drafts/{copy}/destinations"),
    Look("wizard-review", "/drafts/{copy}/review"),
    Look("schedule-edit", "/schedules/{schedule}/edit"),
    Look("execution-retry", "/executions/{partial}/retry"),
    Look("execution-correct", "/executions/{delivered}/correct"),
    Look("schedules-embedded", "/schedules?frame=1"),
    Look("connections", "/connections"),
    Look("connection", "/connections/local-mail"),
    Look("connection-new", "/connections/new?kind=sftp"),
    Look("reports", "/reports"),
    Look("report", "/reports/carrier-punctuality"),
    Look("connection-as-code", "/connections/local-mail/code"),
    Look("calendars", "/calendars"),
    Look("templates", "/templates"),
    Look("audit", "/audit"),
    Look("notifications", "/notifications"),
    Look("notifications-new", "/notifications?unread=1", Role.VIEWER),
    Look("users", "/settings/users"),
    Look("keys", "/settings/keys"),
    Look("me", "/me"),
    Look("not-found", "/schedules/no-such-schedule"),
    Look("samples-remove", "/samples/remove"),
    Look("monitoring", "/monitoring"),
    Look("monitoring-month", "/monitoring?period=30d"),
    Look("monitoring-viewer", "/monitoring", Role.VIEWER),
    Look("incident", "/monitoring/incidents/{incident}"),
    Look("settings", "/settings"),
    Look("settings-viewer", "/settings", Role.VIEWER),
    Look("execution-uploading", "/executions/{uploading}"),
    Look("connection-new-s3", "/connections/new?kind=s3"),
)


async def addresses(stage: Stage, browser: Browser) -> dict[str, str]:
    """Return the ids that the addresses of the looks name; those that an empty stage lacks are left out."""
    found = await _stored(stage)
    return found | await _drafts(stage, browser, found)


async def _drafts(stage: Stage, browser: Browser, ids: dict[str, str]) -> dict[str, str]:
    """Begin two drafts as a person does, one from a template and one from a schedule; return their ids."""
    begin, found = {"draft": "template=monday-morning&report=carrier-punctuality"}, {}
    if "schedule" in ids:
        begin["copy"] = f"from={ids['schedule']}"
    async with window(browser, stage.url) as opened:
        await opened.be(stage.secrets[Role.ADMIN])
        await opened.page.goto("/reports")  # Whatever is shown is painted, so that the pictures have it.
        for name, query in begin.items():
            await opened.page.goto(f"/schedules/new?{query}")
            await opened.page.get_by_role("button", name="Continue").click()
            await opened.page.wait_for_url("**/drafts/**")
            found[name] = opened.page.url.partition("/drafts/")[2].partition("/")[0]
    return found


async def _stored(stage: Stage) -> dict[str, str]:
    sample = Schedule.is_sample.is_(True)
    wanted: dict[str, Select[tuple[str]]] = {
        "schedule": select(Schedule.id).where(sample, Schedule.name.like("Daily departures, Newark%")),
        "suspended": select(Schedule.id).where(sample, Schedule.state == ScheduleState.SUSPENDED),
    }
    wanted["incident"] = select(Incident.id).where(Incident.kind == IncidentKind.CONNECTION_FAILING)
    for name, state in (
        ("delivered", ExecutionState.SUCCESS),
        ("partial", ExecutionState.PARTIAL),
        ("failed", ExecutionState.FAILED),
        ("missed", ExecutionState.MISSED),
        ("uploading", ExecutionState.RUNNING),
    ):
        wanted[name] = select(Execution.id).where(Execution.status == state).order_by(Execution.due_at.desc())
    found = {}
    async with stage.database.session() as session:
        for name, query in wanted.items():
            if row := (await session.scalars(query.limit(1))).first():
                found[name] = row
    return found


def path_of(look: Look, ids: dict[str, str]) -> str | None:
    """Return the address of a look on this stage; None where the stage lacks what it shows. Pure."""
    try:
        return look.path.format_map(ids)
    except KeyError:
        return None
