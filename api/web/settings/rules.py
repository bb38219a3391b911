"""Say in words what the installation's settings are, and which of them were set. Secrets are never shown. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from api.web.when import duration
from api.web.words import count
from mailroom.settings import Settings

Says = Callable[[Any], str]
NONE = "None"


@dataclass(frozen=True, slots=True)
class Rule:
    """A setting: what it is, its value in words, the name under which it is set, and whether it was set."""

    term: str
    value: str
    name: str
    is_set: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that belong together, with what they are for."""

    id: str
    heading: str
    told: str
    rules: tuple[Rule, ...]


def _days(value: Any) -> str:
    return count(int(value), "day") if value else "For good"


def _list(value: Any) -> str:
    return ", ".join(str(value).split()) or NONE


def _seconds(value: Any) -> str:
    return duration(float(value)) if value else "Off"


def _minutes(value: Any) -> str:
    return duration(60 * float(value))


def _secret(value: SecretStr) -> str:
    return "Set; it is not shown" if value.get_secret_value() else NONE


def _teams(value: dict[str, str]) -> str:
    return ", ".join(f"{team}: {address}" for team, address in sorted(value.items())) or NONE


def _failures(value: Any) -> str:
    return f"{count(int(value), 'failure')} in a row"


def _time(value: Any) -> str:
    return f"{value:%H:%M}, in each user's own time zone"


def _or_none(value: Any) -> str:
    return str(value) or NONE


_GROUPS: tuple[tuple[str, str, str, tuple[tuple[str, str, Says], ...]], ...] = (
    (
        "alerts",
        "Who is told of what is wrong",
        "The owner of a schedule first, then the owner's team, then the operators.",
        (
            ("alerts.operator_mail", "Operators, by mail", _list),
            ("alerts.webhook_url", "Operators, by signed request", _secret),
            ("alerts.team_mail", "Teams, by mail", _teams),
            (
                "alerts.mail_connection",
                "Sent through the connection",
                lambda value: value or "The first mail connection",
            ),
            ("alerts.quiet_hours", "Quiet hours", lambda value: value or NONE),
            ("incidents.tell_after_seconds", "Told after", _seconds),
            ("incidents.team_after_failures", "The team is told after", _failures),
            ("incidents.team_after_minutes", "The team is told after, if nobody acknowledges", _minutes),
            ("incidents.operator_after_failures", "Operators are told after", _failures),
            ("incidents.operator_after_minutes", "Operators are told after, if nobody acknowledges", _minutes),
            ("telling.digest_at", "Digest of minor issues, each day at", _time),
            ("telling.summary_at", "Summary of the week, at", _time),
        ),
    ),
    (
        "retention",
        "How long things are kept",
        "What is older is removed in small batches. Links to it say that it has expired.",
        (
            ("artifact_days", "Files of reports", _days),
            ("execution_days", "Runs and their deliveries", _days),
            ("attempt_days", "Single attempts", _days),
            ("event_days", "Notifications and incidents that are over", _days),
            ("audit_days", "The audit trail", _days),
            ("product_events.days", "Events for the product", _days),
            ("prefect_days", "Prefect's own records", _days),
            ("draft_days", "Drafts, after their last change", _days),
            ("download_link_days", "Links to files in mails", _days),
            ("undo_delete_seconds", "A deletion can be undone for", _seconds),
        ),
    ),
    (
        "frames",
        "Frames",
        "Other products may show these pages within theirs if they are listed here.",
        (("frame_ancestors", "Addresses that may", _list), ("public_address", "Our own address in links", _or_none)),
    ),
    (
        "limits-health",
        "When a part counts as not well",
        "From then on operators are told.",
        (
            ("heartbeat_silent_seconds", "A process that gives no sign of life for", _seconds),
            ("prefect_silent_seconds", "Prefect that does not answer for", _seconds),
            (
                "worker_silent_seconds",
                "Workers that are not heard for",
                lambda value: _seconds(value) if value else "Three of their own signs",
            ),
            ("queue_behind_seconds", "A run that has not begun after", _seconds),
            ("disk_low_mb", "Disk space left, below", lambda value: f"{value:,} MB"),
        ),
    ),
)


def groups_of(settings: Settings) -> tuple[Group, ...]:
    """Return the settings in their groups."""
    return tuple(
        Group(key, heading, told, tuple(_rule(settings, name, term, says) for name, term, says in rules))
        for key, heading, told, rules in _GROUPS
    )


def _rule(settings: Settings, name: str, term: str, says: Says) -> Rule:
    holder: BaseModel = settings
    *rooms, field = name.split(".")
    for room in rooms:
        holder = getattr(holder, room)
    return Rule(term, says(getattr(holder, field)), name, field in holder.model_fields_set)
