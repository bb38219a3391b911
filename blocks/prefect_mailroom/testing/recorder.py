"""The memory of recording channels, and the script of what they answer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from prefect_mailroom.channels.base import Parcel, Receipt


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
        self.reached = 0
        """Return how often somebody has reached for it."""

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

    def reach(self) -> None:
        """Answer somebody who reaches for the far side as it would answer anybody; the script stays as it is.

        Raises: what it would raise.
        """
        with self._lock:
            self.reached += 1
            coming = self._next.get(None)
            answer = coming[0] if coming else self._always.get(None, _CONFIRMED)
        if answer.error is not None:
            raise answer.error

    def _scripted(self, recipient: str | None) -> Answer:
        for whose in dict.fromkeys((recipient, None)):
            if self._next.get(whose):
                return self._next[whose].popleft()
        return next((self._always[whose] for whose in (recipient, None) if whose in self._always), _CONFIRMED)


def _answer(answer: Answer | BaseException) -> Answer:
    return Answer(answer) if isinstance(answer, BaseException) else answer
