"""Define what a digest is made of, as it is read from the database for many users at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification of a minor issue, in its own words."""

    user_id: str
    at: datetime
    title: str
    body: str
    schedule_id: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was delivered in the end: `attempts` is the most that one of its deliveries took, and `setbacks`
    counts what went wrong before, such as a rendering that failed or a process that died.
    """

    user_id: str
    schedule_id: str
    schedule_name: str
    execution_id: str
    due_at: datetime
    delivered_at: datetime
    attempts: int
    setbacks: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendering of a run, and how long it took, with the lengths of those before it of the same schedule."""

    user_id: str
    schedule_id: str
    schedule_name: str
    execution_id: str
    due_at: datetime
    seconds: float
    before: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubled:
    """A schedule of the user, and one that was made since and may send or write the same.

    `other_name` is empty where it belongs to somebody else.
    """

    user_id: str
    schedule_id: str
    schedule_name: str
    other_name: str


@dataclass(frozen=True, slots=True)
class Warned:
    """An incident that is only a warning: it is not told at once. `user_id` is None where it concerns the operators."""

    user_id: str | None
    title: str
    opened_at: datetime
    is_over: bool
    link: str = ""


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """Everything that the digests of one period are made of, of all users."""

    notices: Sequence[Notice] = ()
    runs: Sequence[Run] = ()
    renderings: Sequence[Rendered] = ()
    doubled: Sequence[Doubled] = ()
    warned: Sequence[Warned] = ()
    operators: frozenset[str] = field(default_factory=frozenset)
