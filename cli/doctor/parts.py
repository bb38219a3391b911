"""Tell the checks that `/readyz` tells as well, as findings of the doctor."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from cli.doctor.finding import Finding, Level
from mailroom.watching.checks.spec import Check, CheckName, State

_LABELS = {
    CheckName.PREFECT: "Prefect",
    CheckName.CLOCK: "clock of Prefect",
    CheckName.SCHEDULER: "scheduler of Prefect",
    CheckName.BACKGROUND: "background loops",
    CheckName.HOST_CLOCKS: "clocks of hosts",
    CheckName.ARTIFACTS: "shared files",
}
_LEVELS = {
    State.OK: Level.OK,
    State.WARNING: Level.WARNING,
    State.PROBLEM: Level.PROBLEM,
    State.UNKNOWN: Level.WARNING,
}


def findings(checks: Iterable[Check]) -> list[Finding]:
    """Return a finding for each check, with the names that only operators read. Pure."""
    return [Finding(_LABELS.get(one.name, one.name), _LEVELS[one.state], _words(one), one.remedy) for one in checks]


def _words(check: Check) -> str:
    since = f" (since {check.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)" if check.since else ""
    return f"{check.message}{since}{f' – {check.detail}' if check.detail else ''}"
