"""Define the events of the audit trail about users, teams, keys, and what is shared with whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailroom.audit.events import Event


class _OfUser(Event):
    __slots__ = ()
    entity_type = "user"


@dataclass(frozen=True, slots=True)
class UserCreated(_OfUser):
    """A new user was stored."""

    action = "created"
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UserChanged(_OfUser):
    """A user was changed, such as disabled; `changes` has before and after of each part that differs."""

    action = "changed"
    changes: dict[str, list[Any]]


class _OfTeam(Event):
    __slots__ = ()
    entity_type = "team"


@dataclass(frozen=True, slots=True)
class TeamCreated(_OfTeam):
    """A new team was stored."""

    action = "created"
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TeamChanged(_OfTeam):
    """A team was changed; `changes` has before and after of each part that differs."""

    action = "changed"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class TeamDeleted(_OfTeam):
    """A team without members was removed."""

    action = "deleted"
    name: str


class _OfKey(Event):
    __slots__ = ()
    entity_type = "key"


@dataclass(frozen=True, slots=True)
class KeyCreated(_OfKey):
    """A new key was made for the user `owner`; `prefix` is all of it that is shown again."""

    action = "created"
    owner: str
    prefix: str
    scope: str
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class KeyChanged(_OfKey):
    """A key was renamed, narrowed or given another end; `changes` has before and after of each part that differs."""

    action = "changed"
    owner: str
    prefix: str
    changes: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class KeyRevoked(_OfKey):
    """A key was revoked; the next request with it is refused."""

    action = "revoked"
    owner: str
    prefix: str


@dataclass(frozen=True, slots=True)
class ScheduleShared(Event):
    """A schedule is shared for reading with others than before; `subjects` has before and after."""

    entity_type = "schedule"
    action = "shared"
    subjects: list[list[str]]


@dataclass(frozen=True, slots=True)
class ScheduleReassigned(Event):
    """A schedule has another owner; `owner` has the addresses before and after."""

    entity_type = "schedule"
    action = "reassigned"
    owner: list[str]


@dataclass(frozen=True, slots=True)
class ScheduleOwnerBarred(Event):
    """Mailroom suspended the schedule, since its owner may own schedules no longer."""

    entity_type = "schedule"
    action = "suspended"
    owner: str


@dataclass(frozen=True, slots=True)
class ConnectionGranted(Event):
    """A connection may be used by others than before; `subjects` has before and after."""

    entity_type = "connection"
    action = "granted"
    subjects: list[list[str]]
