"""Define the events of the audit trail about alerts."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.audit.events import Event


@dataclass(frozen=True, slots=True)
class AlertsTested(Event):
    """A person sent a test alert; `outcomes` says for each route whether it was `delivered` or `failed`."""

    entity_type = "alerts"
    action = "tested"
    outcomes: dict[str, str]
