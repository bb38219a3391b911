"""Take a snapshot of the figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.secrets import ages
from mailroom.states import ExecutionState
from mailroom.watching.counts import repository as stored
from mailroom.watching.counts.names import HOUR, Counts, Part, below, buckets, hour_of, merged, quantile
from mailroom.watching.figures import standing
from mailroom.watching.figures.spec import ChannelFigures, Figures, Stage, StageTimes, Times, Totals
from mailroom.watching.levels.read import adoption, levels_of
from mailroom.watching.levels.spec import Period
from mailroom.watching.series import read as series


async def figures(session: AsyncSession, *, now: datetime) -> Figures:
    """Take a snapshot. What is counted by the hour is as old as the last look at the ledger."""
    this = hour_of(now)
    hours = await stored.hours(session, this - Period.MONTH.length, this + HOUR, Part.COUNTS)
    by_period = {period: _since(hours, this - period.length) for period in Period}
    day_before = this - Period.DAY.length
    flows = await stored.hours(session, day_before - Period.WEEK.length, this + HOUR, Part.FLOW)
    flow, week_before = _since(flows, day_before), merged(flows[hour] for hour in flows if hour < day_before)
    totals = await stored.totals(session)
    looked = totals is not None and totals.looked_until > stored.NEVER
    kept = totals.kept if totals is not None and looked else {}
    return Figures(
        at=now,
        totals=Totals(totals.since, totals.looked_until, totals.counts) if totals is not None and looked else None,
        levels={period: levels_of(counts, period, now=now) for period, counts in by_period.items()},
        adoption=await adoption(session, now=now),
        outcomes=_outcomes(by_period[Period.DAY]),
        channels=channel_figures(flow),
        stages=tuple(stage_times(stage, flow, week_before) for stage in Stage),
        queue=await series.queue(session, now=now),
        under_way=await standing.under_way(session, now=now),
        breakers=await standing.breakers(session),
        sync=await standing.sync(session),
        schedules=await standing.schedules(session),
        artifacts=int(kept.get("artifacts", 0)),
        artifact_bytes=int(kept.get("artifact_bytes", 0)),
        secret_ages={row.name: row.since for row in await ages.read(session)},
        connection_secret_since=await standing.connection_secret_since(session),
        signs=await standing.signs(session, now=now),
        incidents=await standing.incidents(session),
    )


def _since(hours: Mapping[datetime, Counts], start: datetime) -> Counts:
    return merged(counts for hour, counts in hours.items() if hour >= start)


def _outcomes(counts: Counts) -> dict[ExecutionState, int]:
    ended = below(counts, "ended")
    return {state: int(ended.get(state, 0)) for state in ExecutionState if state.ended}


def channel_figures(counts: Counts) -> tuple[ChannelFigures, ...]:
    """Return the figures of each channel through which something went. Pure."""
    channels = sorted({name.partition("/")[0] for name in below(counts, "delivery")})
    return tuple(
        ChannelFigures(
            channel=channel,
            outcomes={state: int(number) for state, number in below(counts, f"delivery/{channel}").items()},
            retries=int(counts.get(f"retry/{channel}", 0)),
            due_to_delivered=_times(counts, "due", channel),
            lateness=_times(counts, "lateness", channel),
        )
        for channel in channels
    )


def _times(counts: Counts, name: str, of: str) -> Times:
    inside = buckets(counts, f"{name}/{of}")
    number = sum(inside.values())
    average = counts.get(f"{name}_sum/{of}", 0.0) / number if number else None
    return Times(int(number), average, quantile(inside, 0.5), quantile(inside, 0.95))


def stage_times(stage: Stage, day: Counts, before: Counts) -> StageTimes:
    """Return how long a stage took in a day, and before. Pure."""
    times = _times(day, "stage", stage)
    return StageTimes(
        stage=stage,
        measured=times.measured,
        average=times.average,
        p50=times.p50,
        p95=times.p95,
        p99=quantile(buckets(day, f"stage/{stage}"), 0.99),
        average_before=_times(before, "stage", stage).average,
    )
