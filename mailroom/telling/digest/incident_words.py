"""Say in a line what an incident is about that is only a warning. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TITLES = {
    "credential_ending": "{subject} ends soon",
    "disk_low": "The disk is filling up",
    "queue_behind": "Runs wait longer than usual",
    "level_missed": "A service level is close to being missed: {subject}",
}


def title_of(kind: str, subject: str, values: Mapping[str, Any]) -> str:
    """Return what an incident is about."""
    shown = str(values.get("name") or values.get("schedule") or subject)
    return _TITLES.get(kind, kind.replace("_", " ").capitalize() + ": {subject}").format(subject=shown)
