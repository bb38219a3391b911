"""Decide what the sample schedules are, and what happened to each of their due times. Pure, and always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.states import DeliveryState, ExecutionState, ScheduleState

DAYS = 35
_S, _D = ExecutionState, DeliveryState
_FULL = "550 5.2.2 mailbox full"
_AWAY = "The server does not answer: connection refused."


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample schedule.

    Attributes:
        body: the schedule as a user writes it, with the name of its owner's role beside it.
        ends: how its latest due times ended, the last one first; all before them were delivered, but for `skips`.
        skips: every so many due times one is skipped for want of rows; 0 for never.
        state: what its owner, or Mailroom, has made of it.
    """

    owner: str
    body: dict[str, Any]
    ends: tuple[ExecutionState, ...] = ()
    skips: int = 0
    state: ScheduleState = ScheduleState.ACTIVE


@dataclass(frozen=True, slots=True)
class Arrival:
    """Hold what happened to one recipient, or to one path: how long after the due time, in how many tries."""

    recipient: str
    channel: str
    connection: str
    position: int
    status: DeliveryState
    seconds: float
    tries: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """Hold what happened to one due time. The times are seconds after it."""

    due_at: datetime
    status: ExecutionState
    reason: Reason
    began: float
    rendered: float
    ended: float
    arrivals: tuple[Arrival, ...]


def _mail(*to: str, subject: str = "{report_name} {date}") -> dict[str, Any]:
    people = [f"{name}@example.com" for name in to]
    return {"channel": "email", "connection": "local-mail", "to": people, "subject": subject}


def _folder(path: str) -> dict[str, Any]:
    return {"channel": "folder", "connection": "local-folder", "path": path}


def _sample(
    owner: str,
    name: str,
    report: str,
    timing: dict[str, Any],
    destinations: list[dict[str, Any]],
    *,
    formats: Sequence[str] = ("pdf",),
    parameters: dict[str, Any] | None = None,
    condition: dict[str, Any] | None = None,
    **more: Any,
) -> Sample:
    body = {
        "name": name,
        "report_id": report,
        "timing": timing,
        "parameters": parameters or {},
        "formats": list(formats),
        "destinations": destinations,
        "condition": condition or {"send_if": "always"},
    }
    return Sample(owner, body, **more)


def samples() -> tuple[Sample, ...]:
    """Return the sample schedules."""
    berlin, york = {"timezone": "Europe/Berlin"}, {"timezone": "America/New_York"}
    workdays = ["mon", "tue", "wed", "thu", "fri"]
    operations = ("ada", "grace", "alan", "katherine", "edsger", "barbara", "linus", "margaret", "tim", "radia", "ken")
    return (
        _sample(
            "creator",
            "Carrier punctuality, Mondays",
            "carrier-punctuality",
            {"frequency": "weekly", "days": ["mon"], "at": "09:00", **berlin},
            [_mail(*operations), _folder("punctuality/{date}.{ext}")],
            formats=("pdf", "xlsx"),
        ),
        _sample(
            "creator",
            "Daily departures, JFK",
            "airport-daily-departures",
            {"frequency": "daily", "at": "07:30", **york},
            [_mail("ops", "duty-manager")],
            parameters={"airport": "JFK"},
            ends=(_S.SUCCESS, _S.SUCCESS, _S.PARTIAL),
        ),
        _sample(
            "creator",
            "Daily departures, Newark",
            "airport-daily-departures",
            {"frequency": "daily", "at": "07:30", **york},
            [_mail("ops-ewr", "sales"), _folder("newark/{date}.{ext}")],
            formats=("pdf", "csv"),
            parameters={"airport": "EWR"},
            ends=(_S.PARTIAL, _S.SUCCESS, _S.SUCCESS, _S.PARTIAL),
        ),
        _sample(
            "creator",
            "Delays of an hour or more, every working day",
            "delay-list",
            {"frequency": "weekly", "days": workdays, "at": "06:45", **berlin},
            [_mail("quality", "claims")],
            formats=("xlsx",),
            condition={"send_if": "not_empty"},
            skips=6,
        ),
        _sample(
            "creator",
            "Month-end delays to the archive",
            "delay-list",
            {"frequency": "monthly", "day": {"business_day": -1}, "at": "18:00", **berlin},
            [_folder("archive/{date}.{ext}")],
            formats=("csv",),
        ),
        _sample(
            "creator",
            "Claims hand-over",
            "delay-list",
            {"frequency": "weekly", "days": workdays, "at": "05:30", **berlin},
            [_mail("claims-partner")],
            formats=("csv",),
            parameters={"minimum_delay": 180},
            ends=(_S.FAILED,) * 5,
            state=ScheduleState.SUSPENDED,
        ),
        _sample(
            "admin",
            "Airlines, for the board",
            "carrier-punctuality",
            {"frequency": "weekly", "days": ["fri"], "at": "16:00", **berlin},
            [_mail("board")],
            ends=(_S.SUCCESS, _S.MISSED),
        ),
        _sample(
            "admin",
            "LaGuardia, twice a day",
            "airport-daily-departures",
            {"frequency": "cron", "expression": "0 6,18 * * *", **york},
            [_mail("lga-ops"), _folder("lga/{date}-{time}.{ext}")],
            parameters={"airport": "LGA"},
            ends=(_S.SUCCESS,) * 9 + (_S.FAILED, _S.SUCCESS, _S.MISSED, _S.MISSED),
        ),
        _sample(
            "admin",
            "Punctuality for the travel desk",
            "carrier-punctuality",
            {"frequency": "weekly", "days": ["tue", "thu"], "at": "08:15", **berlin},
            [_mail("travel")],
            state=ScheduleState.PAUSED,
        ),
    )


def history(sample: Sample, due: Sequence[datetime], seed: int) -> Iterator[Past]:
    """Yield what happened to the due times of a sample, the earliest first."""
    random = Random(seed)  # noqa: S311  Nothing is secret about samples.
    for number, due_at in enumerate(due):
        back = len(due) - 1 - number
        if back < len(sample.ends):
            status = sample.ends[back]
        elif sample.skips and number % sample.skips == sample.skips - 1:
            status = _S.SKIPPED
        else:
            status = _S.SUCCESS
        yield _past(sample, due_at, status, random)


def _past(sample: Sample, due_at: datetime, status: ExecutionState, random: Random) -> Past:
    began = round(random.uniform(0.4, 2.5), 2)
    rendered = round(began + random.uniform(1.2, 4.0), 2)
    if status is _S.MISSED:
        late = timedelta(hours=4, minutes=random.randrange(5, 40))
        reason = because(ReasonCode.EXPIRED, late=late, limit=timedelta(hours=4))
        return Past(due_at, status, reason, late.total_seconds(), 0, late.total_seconds(), ())
    if status is _S.SKIPPED:
        return Past(due_at, status, because(ReasonCode.NO_ROWS), began, rendered, rendered + 0.1, ())
    arrivals = tuple(_arrivals(sample, status, (due_at, rendered), random))
    done = sum(one.status is _D.DELIVERED for one in arrivals)
    ended = max(one.seconds for one in arrivals) + 0.1
    if status is _S.SUCCESS:
        reason = because(ReasonCode.DELIVERED, delivered=done, total=len(arrivals))
    else:
        left = [one.status for one in arrivals if one.status is not _D.DELIVERED]
        states = ", ".join(f"{left.count(state)} {state}" for state in dict.fromkeys(left))
        reason = because(ReasonCode.NOT_ALL_DELIVERED, delivered=done, total=len(arrivals), states=states)
    return Past(due_at, status, reason, began, rendered, ended, arrivals)


def _path(path: str, sample: Sample, due_at: datetime) -> str:
    """Return the path of the first file, as the real ones are made."""
    local = due_at.astimezone(ZoneInfo(sample.body["timing"]["timezone"]))
    return path.format(date=local.date(), time=f"{local:%H%M}", ext=sample.body["formats"][0])


def _arrivals(
    sample: Sample, status: ExecutionState, times: tuple[datetime, float], random: Random
) -> Iterator[Arrival]:
    due_at, rendered = times
    targets = [
        (recipient, one["channel"], one["connection"], position)
        for position, one in enumerate(sample.body["destinations"])
        for recipient in one.get("to") or [_path(one["path"], sample, due_at)]
    ]
    at = rendered
    for number, (recipient, channel, connection, position) in enumerate(targets):
        at = round(at + random.uniform(0.05, 0.4), 2)
        failed = status is _S.FAILED or (status is _S.PARTIAL and number == 1 % len(targets))
        if failed and status is _S.FAILED:
            yield Arrival(recipient, channel, connection, position, _D.FAILED, at + 3600, 8, _AWAY)
        elif failed:
            yield Arrival(recipient, channel, connection, position, _D.REFUSED, at, 1, _FULL)
        else:
            tries = 2 if random.random() < 0.03 else 1
            yield Arrival(recipient, channel, connection, position, _D.DELIVERED, at + 60 * (tries - 1), tries)
