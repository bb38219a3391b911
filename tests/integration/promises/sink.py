"""The far side of a simulated environment's channel: it keeps each letter, and answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mailroom.states import ExecutionKind
from prefect_mailroom.channels.base import Parcel
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

    async def take(self, parcel: Parcel) -> None:
        """Answer a transfer of the recording channel, before it confirms anything."""
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

    def process_died(self, recorded: Iterable[str]) -> None:
        """Allow a repetition of what was received but not recorded (by key) before its process died."""
        kept = set(recorded)
        for letter in self.letters:
            if letter.confirmed and letter.key not in kept:
                letter.confirmed = False
                self._confirmed.discard(letter.subject)
