"""A channel that keeps everything in memory and answers as a test tells it to.

It passes the same suite as the channels with a real far side, so a test that uses it in their place tests the truth.

    channel = RecordingChannel()
    channel.recorder.answer_next(RetryLater("Busy."), recipient="ada@example.com")   # her first attempt fails
    channel.recorder.answer_next(Answer(OutcomeUnknown("No answer."), takes=True))   # taken, and the answer is lost
    await channel.deliver(parcel)
    assert channel.recorder.taken[parcel.key] == {"report.csv": b"..."}

Code under test often loads its own copy of a connection. Copies of one connection share a recorder by its name:

    await RecordingChannel(shared_as="orders").save("test")
    Recorder.named("orders").parcels        # what every copy in this process was given
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, field_validator

from prefect_mailroom.channels.base import Channel, Destination, IfExists, Parcel, Place, Receipt
from prefect_mailroom.text import variables


class RecordingDestination(Destination):
    """A destination that leads into a `RecordingChannel`; each of its settings is there to be asked about.

    Attributes:
        to: recipients that get a delivery each; without one the connection is the only recipient.
        note: a text with variables, which goes into the receipt.
        path: a path with variables, where the files would be written; without one nothing is written.
    """

    channel: Literal["recording"] = "recording"
    to: list[str] = Field(default_factory=list)
    note: str = Field(default="", description="A template.")
    path: str = Field(default="", description="A template.")
    if_exists: IfExists = "overwrite"

    @field_validator("note")
    @classmethod
    def _note(cls, note: str) -> str:
        return variables.validate_prose(note, extra=variables.parameter_names(note, field="note"), field="note")

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        return variables.validate(path, extra=variables.parameter_names(path, field="path"), field="path")

    def recipients(self) -> list[str]:
        """Return `to`, each once, or the connection."""
        return list(dict.fromkeys(self.to)) or super().recipients()

    def templates(self) -> Mapping[str, str]:
        """Return note and path."""
        return {"note": self.note, "path": self.path}

    def places(self) -> list[Place]:
        """Return the path, if there is one."""
        return [Place(self.path, self.if_exists)] if self.path else []

    def for_test(self, caller: str) -> RecordingDestination:
        """Return the same to the caller alone, below `test/`."""
        return self.model_copy(update={"to": [caller], "path": f"test/{self.path}" if self.path else ""})

    @classmethod
    def trial_settings(cls, caller: str) -> Mapping[str, Any]:
        """Return the caller as the recipient."""
        return {"to": [caller]}


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted answer to a parcel.

    Attributes:
        error: raised in place of a receipt. It need not be an error of ours: a `BaseException` that no code catches
            stands for a process that dies there.
        takes: whether the parcel is taken all the same, as when the far side's answer is lost on its way.
        first: awaited before anything else happens, for example to hold a transfer until the test lets it go on.
    """

    error: BaseException | None = None
    takes: bool = False
    first: Callable[[Parcel], Awaitable[object]] | None = None


_CONFIRMED = Answer(takes=True)


class Recorder:
    """The memory and the script of recording channels. Any number of tasks and threads may use it at once."""

    _named: ClassVar[dict[str, Recorder]] = {}
    _naming: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parcels: list[Parcel] = []
        self._taken: dict[str, dict[str, bytes]] = {}
        self._receipts: list[Receipt] = []
        self._next: dict[str | None, deque[Answer]] = {}
        self._always: dict[str | None, Answer] = {}

    @classmethod
    def named(cls, name: str) -> Recorder:
        """Return the recorder of this name, which all channels of this process with `shared_as=name` use."""
        with cls._naming:
            return cls._named.setdefault(name, cls())

    @classmethod
    def forget(cls, name: str) -> None:
        """Drop the recorder of this name; channels that use it already keep it."""
        with cls._naming:
            cls._named.pop(name, None)

    @property
    def parcels(self) -> list[Parcel]:
        """Return every parcel tried so far, in order, failed and repeated ones too."""
        with self._lock:
            return list(self._parcels)

    @property
    def taken(self) -> dict[str, dict[str, bytes]]:
        """Return the files of everything delivered: parcel key -> file name -> content."""
        with self._lock:
            return {key: dict(files) for key, files in self._taken.items()}

    @property
    def receipts(self) -> list[Receipt]:
        """Return every receipt that was given, in order."""
        with self._lock:
            return list(self._receipts)

    def tried(self, recipient: str) -> list[Parcel]:
        """Return the parcels tried for one recipient, in order."""
        return [parcel for parcel in self.parcels if parcel.recipient == recipient]

    def answer_next(self, *answers: Answer | BaseException, recipient: str | None = None) -> None:
        """Give these answers, one for each of the next attempts; an exception is an answer that takes nothing.

        Args:
            recipient: the attempts of this recipient only. They come before answers for anybody.
        """
        with self._lock:
            self._next.setdefault(recipient, deque()).extend(_answer(answer) for answer in answers)

    def answer_always(self, answer: Answer | BaseException | None, *, recipient: str | None = None) -> None:
        """Give this answer to each attempt that no `answer_next` is left for; None confirms again."""
        with self._lock:
            self._always.pop(recipient, None)
            if answer is not None:
                self._always[recipient] = _answer(answer)

    def begin(self, parcel: Parcel) -> Answer:
        """Record an attempt, and return the answer that the script has for it."""
        with self._lock:
            self._parcels.append(parcel)
            return self._scripted(parcel.recipient)

    def take(self, parcel: Parcel) -> bool:
        """Take the parcel, and tell whether its key was there already; then its first content stays."""
        files = {file.filename: file.path.read_bytes() for file in parcel.files}
        with self._lock:
            was_there = parcel.key in self._taken
            self._taken.setdefault(parcel.key, files)
            return was_there

    def confirm(self, receipt: Receipt) -> Receipt:
        """Record a receipt, and return it."""
        with self._lock:
            self._receipts.append(receipt)
        return receipt

    def probe(self) -> None:
        """Answer a check of the connection: raise the next scripted error for anybody, if there is one."""
        with self._lock:
            answer = self._scripted(None)
        if answer.error is not None:
            raise answer.error

    def _scripted(self, recipient: str | None) -> Answer:
        for whose in dict.fromkeys((recipient, None)):
            if self._next.get(whose):
                return self._next[whose].popleft()
        return next((self._always[whose] for whose in (recipient, None) if whose in self._always), _CONFIRMED)


def _answer(answer: Answer | BaseException) -> Answer:
    return Answer(answer) if isinstance(answer, BaseException) else answer


class RecordingChannel(Channel):
    """A channel into a `Recorder`. It never takes the same key twice."""

    _block_type_name = "Mailroom Recording"
    _block_type_slug = "mailroom-recording"

    kind: ClassVar[str] = "recording"
    destination_type: ClassVar[type[Destination]] = RecordingDestination

    shared_as: str = Field(default="", description="The recorder's name in this process; empty for one of its own.")

    _own: Recorder = PrivateAttr(default_factory=Recorder)

    @property
    def recorder(self) -> Recorder:
        """Return the memory of this channel, where a test reads and writes its script."""
        return Recorder.named(self.shared_as) if self.shared_as else self._own

    @property
    def parcels(self) -> list[Parcel]:
        """Return every parcel tried so far, in order."""
        return self.recorder.parcels

    @property
    def taken(self) -> dict[str, dict[str, bytes]]:
        """Return the files of everything delivered: parcel key -> file name -> content."""
        return self.recorder.taken

    def fail_next(self, *errors: BaseException) -> None:
        """Raise these, one for each of the next attempts, before anything is taken."""
        self.recorder.answer_next(*errors)

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Record the parcel, and answer as the script says."""
        recorder = self.recorder
        answer = recorder.begin(parcel)
        if answer.first is not None:
            await answer.first(parcel)
        written = _written(parcel)
        was_there = recorder.take(parcel) if answer.takes or answer.error is None else False
        if answer.error is not None:
            raise answer.error
        return recorder.confirm(Receipt(reference=parcel.key, detail={"was_there": was_there, **written}))

    async def check(self) -> str:
        """Raise the next scripted error, or say that it records."""
        self.recorder.probe()
        return "Records in memory."


def _written(parcel: Parcel) -> dict[str, Any]:
    """Expand the destination's templates, as a real channel would."""
    destination = parcel.destination
    if not isinstance(destination, RecordingDestination):
        return {"files": len(parcel.files)}
    paths = [
        str(variables.expand_path(destination.path, variables.for_file(parcel.variables, file.filename)))
        for file in parcel.files
        if destination.path
    ]
    note = variables.expand_prose(destination.note, parcel.variables, field="note")
    return {"files": len(parcel.files), "paths": paths, "note": note}
