"""Keep a witness outside the database that tells how far the database was: a small file beside the artifacts.

The clock of the ledger is raised and committed first, and only then written here. So the file is never ahead of the
database, unless an older database took its place. Blocking: call it in a thread where a loop is shared.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from mailroom.storage.database import new_id
from mailroom.storage.stop_tables import LedgerClock
from prefect_mailroom.durable import make_folders, sync_folder_at

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Witness:
    """The clock of a ledger as the file has it."""

    ledger_id: str
    ticks: int


def read(path: Path) -> Witness | None:
    """Return what the file says, or None where there is no file, or none that can be read."""
    try:
        data = json.loads(path.read_text())
        return Witness(str(data["ledger_id"]), int(data["ticks"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        _LOG.exception("%s cannot be read, so nobody can say whether the database was restored.", path)
        return None


def write(path: Path, clock: LedgerClock) -> None:
    """Write the clock, which has been committed; the file is replaced as a whole, also in a power cut."""
    make_folders(path.parent)
    staged = path.with_name(f".{path.name}-{new_id()}.part")
    try:
        with staged.open("w") as file:
            json.dump({"ledger_id": clock.ledger_id, "ticks": clock.ticks, "at": clock.ticked_at.isoformat()}, file)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    sync_folder_at(path.parent)


def tells_of_more(witness: Witness | None, clock: LedgerClock) -> bool:
    """Tell whether the witness has seen a later state of the database, or another database, than this one. Pure."""
    if witness is None:
        return False
    return witness.ledger_id != clock.ledger_id or witness.ticks > clock.ticks
