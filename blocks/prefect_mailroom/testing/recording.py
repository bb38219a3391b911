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

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, field_validator

from prefect_mailroom.channels.base import Channel, Destination, IfExists, Parcel, Place, Receipt
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.testing.recorder import Recorder
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

    async def reach(self, steps: Steps, *, seconds: float) -> bool:
        """Raise what anybody would be answered next, or say that it is there. The answer stays for deliveries."""
        with steps.step(StepName.CONNECT):
            self.recorder.reach()
        return True

    async def check(self, steps: Steps) -> str:
        """Raise the next scripted error, or say that it records."""
        self.recorder.probe()
        return "Records in memory."


def _written(parcel: Parcel) -> dict[str, Any]:
    """Expand the destination's templates, as a real channel would."""
    destination = parcel.destination
    assert isinstance(destination, RecordingDestination)
    paths = [
        str(variables.expand_path(destination.path, variables.for_file(parcel.variables, file.filename)))
        for file in parcel.files
        if destination.path
    ]
    note = variables.expand_prose(destination.note, parcel.variables, field="note")
    return {"files": len(parcel.files), "paths": paths, "note": note}
