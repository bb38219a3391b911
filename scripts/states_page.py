"""Write docs/states.md from the tables of allowed moves: `make docs`. A test compares the two."""

from __future__ import annotations

import re
from collections.abc import Set
from enum import StrEnum
from pathlib import Path

from mailroom.connections.breaker import decide as breaker
from mailroom.executions import delivery_lifecycle
from mailroom.executions import lifecycle as execution_lifecycle
from mailroom.executions.lifecycle import By
from mailroom.schedules import lifecycle as schedule_lifecycle
from mailroom.schedules.lifecycle import Cause
from mailroom.states import BreakerState, DeliveryState, ExecutionState, ScheduleState

PAGE = Path(__file__).resolve().parents[1] / "docs/states.md"
_HEAD = """# States
This page is made from the code by `make docs`: from the tables of allowed moves in `mailroom/schedules/lifecycle.py`,
`mailroom/executions/lifecycle.py`, `mailroom/executions/delivery_lifecycle.py` and
`mailroom/connections/breaker/decide.py`, and from `mailroom/states.py`.
A state changes in those files alone, and each change asks its table first."""


def page() -> str:
    """Return the whole page."""
    return (
        "\n\n".join(
            [
                _HEAD,
                "## Schedule",
                _explained(ScheduleState),
                _drawn(schedule_lifecycle.ALLOWED.mermaid(ScheduleState.ACTIVE, _cause)),
                "A finished schedule cannot be resumed; the API answers 409. A new timing makes it active again.",
                "## Execution",
                _explained(ExecutionState),
                _drawn(execution_lifecycle.ALLOWED.mermaid(ExecutionState.PENDING, _by)),
                "## Delivery",
                _explained(DeliveryState),
                _drawn(delivery_lifecycle.ALLOWED.mermaid(DeliveryState.PENDING, _by)),
                "## Breaker of a connection",
                _explained(BreakerState),
                _drawn(breaker.ALLOWED.mermaid(BreakerState.CLOSED, _why)),
                "When it opens and how it closes again is told in [breaker.md](breaker.md).",
            ]
        )
        + "\n"
    )


def _drawn(diagram: str) -> str:
    return f"```mermaid\n{diagram}\n```"


def _explained(states: type[StrEnum]) -> str:
    """Return what the docstring says of each state, as a list."""
    words = " ".join((states.__doc__ or "").split())
    parts = re.split(rf"\b({'|'.join(states)}): ", words)[1:]
    return "\n".join(f"- **{name}**: {text.strip()}" for name, text in zip(parts[::2], parts[1::2], strict=True))


def _cause(causes: Set[Cause]) -> str:
    return ", ".join(sorted(causes))


def _why(causes: Set[breaker.Cause]) -> str:
    return ", ".join(sorted(causes))


def _by(who: Set[By]) -> str:
    return "" if By.PLAN in who else "a person asks for another try"


if __name__ == "__main__":
    PAGE.write_text(page())
