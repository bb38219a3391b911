"""Say from when on what has happened is kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.settings import Settings


@dataclass(frozen=True, slots=True)
class Horizons:
    """Hold the moments before which everything may be removed, by its kind."""

    executions: datetime
    attempts: datetime
    events: datetime
    product_events: datetime


def horizons(settings: Settings, now: datetime) -> Horizons:
    """Return from when on each kind is kept."""
    return Horizons(
        executions=now - timedelta(days=settings.execution_days),
        attempts=now - timedelta(days=settings.attempt_days),
        events=now - timedelta(days=settings.event_days),
        product_events=now - timedelta(days=settings.product_events.days),
    )
