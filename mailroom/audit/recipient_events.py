"""Define the events of the audit trail about the people who get reports."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.audit.events import Event


class _OfSuppression(Event):
    __slots__ = ()
    entity_type = "suppression"


@dataclass(frozen=True, slots=True)
class SuppressionAdded(_OfSuppression):
    """An address, or every address of a domain, gets nothing any more."""

    action = "added"
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class SuppressionChanged(_OfSuppression):
    """The reason of a suppression was written anew; `reason` is before and after."""

    action = "changed"
    address: str
    reason: list[str]


@dataclass(frozen=True, slots=True)
class SuppressionRemoved(_OfSuppression):
    """An address may get something again."""

    action = "removed"
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecipientErased(Event):
    """An address was erased from what is on record; the entity is what stands in its place, never the address.

    `replaced` counts the rows by table.
    """

    entity_type = "recipient"
    action = "erased"
    replaced: dict[str, int]


class _OfPeople(Event):
    __slots__ = ()
    entity_type = "schedule"


@dataclass(frozen=True, slots=True)
class Unsubscribed(_OfPeople):
    """A person wants nothing of the schedule any more, by the link of a `delivery`."""

    action = "unsubscribed"
    address: str
    delivery: str


@dataclass(frozen=True, slots=True)
class SubscribedAgain(_OfPeople):
    """A person who had unsubscribed gets the mails of the schedule again."""

    action = "subscribed_again"
    address: str
