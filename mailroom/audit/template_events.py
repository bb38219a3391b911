"""Define the events of the audit trail about templates of schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailroom.audit.events import Event


class _OfTemplate(Event):
    __slots__ = ()
    entity_type = "template"


@dataclass(frozen=True, slots=True)
class TemplateCreated(_OfTemplate):
    """A new template was stored."""

    action = "created"
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TemplateChanged(_OfTemplate):
    """A template was changed; `changes` has before and after of each part that differs."""

    action = "changed"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class TemplateDeleted(_OfTemplate):
    """A template was removed; `settings` is what it was."""

    action = "deleted"
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TemplateShared(_OfTemplate):
    """A template may be used by others than before; `subjects` has before and after."""

    action = "shared"
    subjects: list[list[str]]
