"""Check whether mail leaves, by the last check of each mail connection and by its breaker. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailroom.states import BreakerState
from mailroom.watching.checks.spec import Check, CheckName, State

_REMEDY = "Run `mailroom doctor`, which asks the mail server; the page of the connection does so as well."


@dataclass(frozen=True, slots=True)
class MailConnection:
    """Hold what is known of a mail connection; `is_ok` is the result of its last check, None where there was none."""

    name: str
    is_ok: bool | None
    checked_at: datetime | None
    breaker: BreakerState | None
    breaker_since: datetime | None


def judge(connections: Sequence[MailConnection]) -> Check:
    """Return whether mail leaves. What attempts have shown counts more than what a check has."""
    if not connections:
        return Check(CheckName.MAIL, State.OK, "There is no mail connection.")
    broken = [one for one in connections if one.breaker not in (None, BreakerState.CLOSED)]
    if broken:
        since = min((one.breaker_since for one in broken if one.breaker_since), default=None)
        message = f"Attempts through {_of(broken, connections)} failed, and what is to be sent waits."
        return Check(CheckName.MAIL, State.PROBLEM, message, _REMEDY, since, _names(broken))
    failed = [one for one in connections if one.is_ok is False]
    if failed:
        since = min((one.checked_at for one in failed if one.checked_at), default=None)
        message = f"The last check of {_of(failed, connections)} failed."
        return Check(CheckName.MAIL, State.WARNING, message, _REMEDY, since, _names(failed))
    return Check(CheckName.MAIL, State.OK, f"{len(connections)} connected", detail=_names(connections))


def _of(some: Sequence[MailConnection], every: Sequence[MailConnection]) -> str:
    return "the mail connection" if len(every) == 1 else f"{len(some)} of {len(every)} mail connections"


def _names(connections: Sequence[MailConnection]) -> str:
    return ", ".join(sorted(one.name for one in connections))
