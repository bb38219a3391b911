"""Check that the audit trail is what was sealed, and that what was sealed is what was signed for.

The database alone shows entries that were changed or removed. A chain that was computed anew, and one whose end was
cut off, are shown by checkpoints, which are outside the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mailroom.audit.sealing import seals, signing
from mailroom.audit.sealing.chain import beginning, entry_of, link
from mailroom.audit.sealing.checkpoints import Checkpoint, Line
from mailroom.storage.database import Database
from mailroom.storage.model.audit import AuditChain, AuditSeal
from mailroom.storage.tables import AuditEvent

_BATCH = 1000


class Code(StrEnum):
    """The faults that a trail can have."""

    CHANGED = "changed"
    REMOVED = "removed"
    CUT = "cut"
    COMPUTED_ANEW = "computed_anew"
    BEGINNING = "beginning"
    ENDS = "ends"
    NOT_SIGNED = "not_signed"
    UNREADABLE = "unreadable"
    OTHER_TRAIL = "other_trail"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong; `position` is the place of the entry, None where it is about no entry."""

    code: Code
    position: int | None
    message: str


@dataclass
class Verdict:
    """The findings about a trail.

    Attributes:
        entries: how many sealed entries were looked at, of which the first one follows `begins_after`.
        proven: the last checkpoint that fits, None where there is none.
        unsealed: how many entries have no place yet; the sealer gives them one.
        removed_before: how many checkpoints are of entries that were removed since, as is allowed.
    """

    begins_after: int = 0
    entries: int = 0
    unsealed: int = 0
    removed_before: int = 0
    proven: Checkpoint | None = None
    wrong: list[Wrong] = field(default_factory=list)

    def add(self, code: Code, position: int | None, message: str) -> None:
        """Note something that is wrong."""
        self.wrong.append(Wrong(code, position, message))


async def verify(database: Database, lines: Sequence[Line], keys: Sequence[Ed25519PublicKey]) -> Verdict:
    """Check the whole trail against itself and against the lines of a file of checkpoints.

    Args:
        keys: the public keys of which one must have signed each checkpoint.
    """
    verdict = Verdict()
    async with database.session() as session:
        ends = await seals.chain(session)
        verdict.begins_after = ends.kept_after
        signed = _signed(lines, keys, ends, verdict)
        wanted = {one.position for one in signed}
        walk = _Walk(verdict, ends.kept_after, ends.kept_hash, wanted)
        while batch := await seals.sealed_after(session, walk.position, limit=_BATCH):
            for seal, event in batch:
                walk.step(seal, event)
            session.expunge_all()
        verdict.unsealed = len(await seals.unsealed(session, since=None, limit=_BATCH))
    _check_beginning(ends, signed, verdict)
    if (walk.position, walk.hash) != (ends.position, ends.hash):
        message = f"The chain ends at entry {walk.position}, and the database says that it ends at {ends.position}."
        verdict.add(Code.ENDS, walk.position, message)
    _check_signed(signed, walk, verdict)
    return verdict


def _signed(
    lines: Sequence[Line], keys: Sequence[Ed25519PublicKey], ends: AuditChain, verdict: Verdict
) -> list[Checkpoint]:
    """Return the checkpoints that were signed for this trail, in the order of their places."""
    known = ", ".join(map(signing.fingerprint, keys))
    found = []
    for line in lines:
        one = line.checkpoint
        if one is None:
            verdict.add(Code.UNREADABLE, None, f"Line {line.number} of the checkpoints is none, or was cut.")
        elif not one.is_signed_by(keys):
            message = (
                f"Line {line.number} of the checkpoints (entry {one.position}) is not signed by {known}: "
                f"it was changed, or another key has signed it ({one.key})."
            )
            verdict.add(Code.NOT_SIGNED, one.position, message)
        elif one.trail_id != ends.trail_id:
            message = (
                f"Line {line.number} of the checkpoints is of another trail, so this is not the database it is of."
            )
            verdict.add(Code.OTHER_TRAIL, one.position, message)
        else:
            found.append(one)
    return sorted(found, key=lambda one: one.position)


class _Walk:
    """Goes along the chain: `position` and `hash` are where it stands, `hashes` what was found at wanted places."""

    def __init__(self, verdict: Verdict, position: int, start: str, wanted: set[int]) -> None:
        self._verdict, self._wanted = verdict, wanted
        self.position, self.hash = position, start
        self.hashes = {position: start}

    def step(self, seal: AuditSeal, event: AuditEvent | None) -> None:
        first, last = self.position + 1, seal.position - 1
        if first <= last:
            which = f"Entry {first} was" if first == last else f"Entries {first} to {last} were"
            self._verdict.add(Code.REMOVED, first, f"{which} removed, with the place in the chain.")
        elif event is None:
            message = f"Entry {seal.position} (id {seal.event_id}) was removed."
            self._verdict.add(Code.REMOVED, seal.position, message)
        elif link(self.hash, seal.position, entry_of(event)) != seal.hash:
            self._verdict.add(Code.CHANGED, seal.position, f"Entry {seal.position} was changed: {_shown(event)}.")
        self.position, self.hash = seal.position, seal.hash
        self._verdict.entries += 1
        if seal.position in self._wanted:
            self.hashes[seal.position] = seal.hash


def _shown(event: AuditEvent) -> str:
    """Return an entry in words; the command line keeps control characters from the terminal."""
    what = f"{event.entity_type} {event.entity_id} {event.action}"
    return f"now it says {_when(event.at)}, {event.actor}: {what} (id {event.id})"


def _check_beginning(ends: AuditChain, signed: Sequence[Checkpoint], verdict: Verdict) -> None:
    if ends.kept_after == 0:
        if ends.kept_hash != beginning(ends.trail_id):
            verdict.add(Code.BEGINNING, 0, "The hash that stands before the first entry was changed.")
        return
    if not any((one.position, one.hash) == (ends.kept_after, ends.kept_hash) for one in signed):
        message = f"Entries up to {ends.kept_after} were removed, and no signed checkpoint has that place and its hash."
        verdict.add(Code.BEGINNING, ends.kept_after, message)


def _check_signed(signed: Sequence[Checkpoint], walk: _Walk, verdict: Verdict) -> None:
    """Compare the checkpoints with the chain; of those that tell the same, one is named."""
    anew, beyond = None, None
    for one in signed:
        if one.position < verdict.begins_after:
            verdict.removed_before += 1
        elif one.position > walk.position:
            beyond = one
        elif walk.hashes.get(one.position) != one.hash:
            anew = anew or one
        elif anew is None:
            verdict.proven = one
    if anew:
        since = verdict.proven.position if verdict.proven else verdict.begins_after
        message = (
            f"Entry {anew.position} has another hash than was signed at {_when(anew.at)}: something in the entries "
            f"{since + 1} to {anew.position} was changed, and the chain was computed anew."
        )
        verdict.add(Code.COMPUTED_ANEW, anew.position, message)
    if beyond:
        missing = beyond.position - walk.position
        message = (
            f"The end was cut off: a checkpoint of {_when(beyond.at)} was signed at entry {beyond.position}, and the "
            f"trail ends at {walk.position}. {missing} {'entry is' if missing == 1 else 'entries are'} missing."
        )
        verdict.add(Code.CUT, walk.position + 1, message)


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def count_unproven(verdict: Verdict) -> int:
    """Return how many sealed entries no checkpoint proves yet. Pure."""
    last = verdict.begins_after + verdict.entries
    return last - (verdict.proven.position if verdict.proven else verdict.begins_after)
