"""Say what a check of a part tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Say how a part is: `warning` works with limits, `problem` does not work, `unknown` cannot be told now."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


class CheckName(StrEnum):
    """The parts that are checked. The word is a key of `/readyz`: the list only grows."""

    DATABASE = "database"
    PREFECT = "prefect"
    CLOCK = "clock"
    SCHEDULER = "scheduler"
    WORKER = "worker"
    QUEUE = "queue"
    DISK = "disk"
    MAIL = "mail"
    SENDING = "sending"
    BACKGROUND = "background"
    HOST_CLOCKS = "host_clocks"
    ARTIFACTS = "artifacts"


@dataclass(frozen=True, slots=True)
class Check:
    """Say how a part is, in words.

    Attributes:
        message: what was found, in a sentence that everybody may read.
        remedy: what to do; empty where nothing is to be done.
        since: since when it is so, where that is known.
        detail: names and places, which only operators read.
    """

    name: CheckName
    state: State
    message: str
    remedy: str = ""
    since: datetime | None = None
    detail: str = ""
