"""Say which of the last runs would have been sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.conditions.views import LookBackView, WouldBeView
from api.web.execution.reasons import explained
from api.web.parts import Chip, Moment
from api.web.when import When
from api.web.words import count

_SENT = Chip("Sent", "circle-check", "ok")
_NOT = Chip("Not sent", "circle-minus", "off")
_UNKNOWN = Chip("Not known", "circle-question-mark", "wait")


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run: whether it would have been sent, and why not."""

    href: str
    due: Moment
    chip: Chip
    why: str


@dataclass(frozen=True, slots=True)
class Past:
    """The last runs, the latest first, and what they come to."""

    finding: str
    runs: tuple[PastRun, ...]


def past(found: LookBackView, when: When, zone: str) -> Past:
    """Return what the page says of past runs."""
    if not found.runs:
        return Past("There is no run yet to try it on.", ())
    if found.not_known == len(found.runs):
        return Past("Of none of the last runs is enough known to say.", _runs(found, when, zone))
    parts = [f"{found.would_be_sent} would have been sent", f"{found.would_not_be_sent} would not"]
    if found.not_known:
        parts.append(f"of {found.not_known} it is not known")
    runs = count(len(found.runs), "run")
    finding = f"Of the last {runs}, {', '.join(parts[:-1])} and {parts[-1]}."
    return Past(finding, _runs(found, when, zone))


def _runs(found: LookBackView, when: When, zone: str) -> tuple[PastRun, ...]:
    return tuple(_run(one, when, zone) for one in found.runs)


def _run(one: WouldBeView, when: When, zone: str) -> PastRun:
    chip = _UNKNOWN if one.sent is None else _SENT if one.sent else _NOT
    why = one.reason
    if one.reason_code:
        said = explained(one.reason_code, one.reason_values, one.reason, lambda at: when.moment(at, zone).text)
        why = said.why
    return PastRun(f"/executions/{one.execution_id}", when.moment(one.due_at, zone), chip, why)
