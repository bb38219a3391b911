"""The channel of a simulated environment: it keeps each letter, and answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

import pytest

from mailroom.states import ExecutionKind
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Place, Receipt
from prefect_mailroom.channels.registry import CHANNELS, Registration
from prefect_mailroom.errors import OutcomeUnknown, Refused, RetryLater


class Killed(BaseException):
    """Ends a process so that none of its code runs any more, and nobody is told."""


class Fate(StrEnum):
    """How one transfer ends."""

    TAKEN = "taken"
    LATER = "not now"
    REFUSED = "refused"
    UNHEARD = "taken, and the answer is lost"
    VANISHED = "lost on the way, with no answer"
    DIES_BEFORE = "the process dies before the first byte"
    DIES_AFTER = "the process dies before it can record the receipt"


@dataclass
class Letter:
    """One transfer that began; `confirmed` says that the sender has the receipt, and lived to record it."""

    key: str
    execution_id: str
    schedule_id: str
    kind: ExecutionKind
    due_at: datetime
    recipient: str
    confirmed: bool = False

    @property
    def subject(self) -> tuple[str, ...]:
        """Return what may be confirmed once: an occurrence to a recipient, or a delivery that somebody requested."""
        if self.kind is ExecutionKind.SCHEDULED:
            return (self.schedule_id, self.due_at.isoformat(), self.recipient)
        return (self.key,)


@dataclass
class Sink:
    """The receiver: `why_not` says why nothing may leave for a schedule now; `faults` are broken promises."""

    why_not: Callable[[str, ExecutionKind], str | None]
    fates: list[Fate] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _confirmed: set[tuple[str, ...]] = field(default_factory=set)

    def take(self, parcel: Parcel) -> Receipt:
        facts = parcel.facts
        letter = Letter(
            key=parcel.key,
            execution_id=facts["execution_id"],
            schedule_id=facts["schedule"]["id"],
            kind=ExecutionKind(facts["kind"]),
            due_at=datetime.fromisoformat(facts["due_at"]),
            recipient=parcel.recipient,
        )
        if letter.subject in self._confirmed:
            self.faults.append(f"Promise 2: a confirmed delivery was repeated: {letter}.")
        if reason := self.why_not(letter.schedule_id, letter.kind):
            self.faults.append(f"Promise 3: it left although {reason}: {letter}.")
        fate = self.fates.pop(0) if self.fates else Fate.TAKEN
        if fate is Fate.DIES_BEFORE:
            raise Killed
        self.letters.append(letter)
        match fate:
            case Fate.LATER:
                raise RetryLater("It is busy.")
            case Fate.REFUSED:
                raise Refused("It does not want it.")
            case Fate.UNHEARD | Fate.VANISHED:
                raise OutcomeUnknown("No answer came.")
            case Fate.DIES_AFTER:
                raise Killed
        letter.confirmed = True
        self._confirmed.add(letter.subject)
        return Receipt(reference=parcel.key)

    def process_died(self, recorded: Iterable[str]) -> None:
        """Allow a repetition of what was received but not recorded (by key) before its process died."""
        kept = set(recorded)
        for letter in self.letters:
            if letter.confirmed and letter.key not in kept:
                letter.confirmed = False
                self._confirmed.discard(letter.subject)


class SinkDestination(Destination):
    """A destination whose recipients get a delivery each."""

    channel: Literal["sink"] = "sink"
    to: list[str]

    def recipients(self) -> list[str]:
        return self.to

    def templates(self) -> dict[str, str]:
        return {}

    def places(self) -> list[Place]:
        return []

    def for_test(self, caller: str) -> SinkDestination:
        return self.model_copy(update={"to": [caller]})


class SinkChannel(Channel):
    """A channel that hands parcels to the sink that is open."""

    _block_type_name = "Mailroom Sink"
    _block_type_slug = "mailroom-sink"

    kind: ClassVar[str] = "sink"
    destination_type: ClassVar[type[Destination]] = SinkDestination
    open: ClassVar[Sink | None] = None

    async def transfer(self, parcel: Parcel) -> Receipt:
        assert self.open is not None
        return self.open.take(parcel)

    async def check(self) -> str:
        return "It keeps what it gets."


def register(patch: pytest.MonkeyPatch) -> None:
    """Let schedules name the channel."""
    patch.setitem(CHANNELS, "sink", Registration(SinkDestination, SinkChannel))
