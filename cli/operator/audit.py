"""`mailroom audit …`: check and export the audit trail. It works on the database itself; no process has to run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import App, Parameter

from cli.database import our_database, who
from cli.output import out, print_json
from embedded.display import printable
from mailroom.access.viewer import SYSTEM
from mailroom.errors import Invalid
from mailroom.settings import Settings, current

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from sqlalchemy.ext.asyncio import AsyncSession

    from mailroom.audit.sealing.verify import Verdict
    from mailroom.storage.database import Database

app = App(name="audit", help="Check, export and look after the audit trail.", help_format="plaintext")
T = TypeVar("T")


@app.command
def verify(
    *,
    checkpoint: Path | None = None,
    public_key: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Check that no entry was changed, removed or cut off. The exit status is 1 if one was.

    Parameters
    ----------
    checkpoint
        The file of signed checkpoints, such as a copy from another machine; default: the one in the data folder.
    public_key
        The file of the public keys that signed them; default: the one in the data folder.
    as_json
        Print JSON.
    """
    from mailroom.audit.sealing import checkpoints
    from mailroom.audit.sealing.verify import verify as check

    settings = current()
    path = checkpoint or settings.checkpoints_path
    if checkpoint is not None and not checkpoint.is_file():
        raise Invalid.at("--checkpoint", f"There is no file {checkpoint}.", "Name a file of checkpoints.")
    keys, lines = _public_keys(settings, public_key), checkpoints.read(path)
    verdict = _with_database(lambda database: check(database, lines, keys))
    if as_json:
        print_json(_data(verdict))
    else:
        _show(verdict, path, bool(lines))
    sys.exit(1 if verdict.wrong else 0)


def _public_keys(settings: Settings, named: Path | None) -> list[Ed25519PublicKey]:
    from mailroom.audit.sealing import signing

    path = named or settings.data_dir / signing.PUBLIC_FILE
    if named is None and not path.is_file():
        # Nothing was sealed here yet, or the data folder is another machine's; the key itself knows its public half.
        return [signing.private_key(settings).public_key()] if settings.audit_key.get_secret_value() else []
    return signing.read_public(path)


def _data(verdict: Verdict) -> dict[str, object]:
    from mailroom.audit.sealing.verify import count_unproven

    proven = verdict.proven
    return {
        "fine": not verdict.wrong,
        "begins_after": verdict.begins_after,
        "entries": verdict.entries,
        "proven_until": proven.position if proven else None,
        "proven_at": proven.at.isoformat() if proven else None,
        "not_proven_yet": count_unproven(verdict),
        "not_sealed_yet": verdict.unsealed,
        "wrong": [{"code": one.code, "entry": one.position, "message": one.message} for one in verdict.wrong],
    }


def _show(verdict: Verdict, path: Path, has_checkpoints: bool) -> None:
    from mailroom.audit.sealing.verify import count_unproven

    for one in verdict.wrong:
        _say(f"WRONG ({one.code}): {one.message}")
    first = verdict.begins_after + 1
    _say(f"{verdict.entries} sealed entries were checked, from entry {first} on.")
    if verdict.proven:
        at = f"{verdict.proven.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        _say(f"Proved up to entry {verdict.proven.position}, by a checkpoint that was signed at {at}.")
    elif not has_checkpoints:
        _say(f"{path} has no checkpoints, so a chain that was computed anew or cut off would not show.")
    if left := count_unproven(verdict):
        _say(f"{left} later entries are sealed; no checkpoint proves them yet.")
    if verdict.unsealed:
        _say(f"{verdict.unsealed} entries are not sealed yet; the API seals them within seconds when it runs.")
    _say("The trail is not what was sealed." if verdict.wrong else "Nothing was changed, removed or cut off.")


@app.command
def export(
    *,
    actor: str = "",
    action: str = "",
    entity_type: str = "",
    entity_id: str = "",
    since: str = "",
    until: str = "",
) -> None:
    """Write entries to standard output, one JSON object a line, oldest first.

    Parameters
    ----------
    actor
        Only what this user did, or what was done for them: the e-mail address.
    action
        Only this action, such as `sent` or `refused`.
    entity_type
        Only what happened to this kind of thing, such as `schedule`.
    entity_id
        Only what happened to this thing.
    since
        An instant with its offset, such as 2026-11-01T00:00Z; it is included.
    until
        An instant; it is not included.
    """
    from mailroom.audit.export import lines
    from mailroom.audit.repository import AuditFilter

    wanted = AuditFilter(
        actor or None,
        action or None,
        entity_type or None,
        entity_id or None,
        _instant("--since", since),
        _instant("--until", until),
    )

    async def write(database: Database) -> None:
        async for batch in lines(database, viewer=SYSTEM, wanted=wanted):
            sys.stdout.write(batch.decode("ascii"))
        sys.stdout.flush()

    _with_database(write)


@app.command(name="set-aside")
def set_aside(*, reason: str) -> None:
    """Set the checkpoints aside that the trail contradicts, and begin new ones. It is audited.

    Do so after a backup was restored, or when it is cleared up what was done to the trail. The old file stays: it
    still proves what the trail was.

    Parameters
    ----------
    reason
        Why; it is kept in the audit trail.
    """
    from mailroom.audit import repository as audit
    from mailroom.audit.delivery_events import CheckpointsSetAside
    from mailroom.audit.sealing import checkpoints

    path, now = current().checkpoints_path, datetime.now(UTC)
    last = checkpoints.last(path)
    if last is None:
        raise Invalid.at("--reason", f"{path} has no checkpoints.", "There is nothing to set aside.")
    aside = path.with_name(f"{path.stem}-until-{now:%Y%m%dT%H%M%SZ}{path.suffix}")

    async def record(database: Database) -> None:
        event = CheckpointsSetAside(last.trail_id, reason, aside.name, last.position, last.hash)

        async def write(session: AsyncSession) -> None:
            audit.record(session, event, at=now, actor=who())

        await database.transact(write)

    _with_database(record)
    path.rename(aside)
    _say(f"The checkpoints are in {aside} now. The API begins new ones.")


def _instant(option: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid.at(option, f"{text} is no instant.", "Write it like 2026-11-01T00:00Z.")
    return found.astimezone(UTC)


def _with_database(act: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        database = await our_database(current())
        try:
            return await act(database)
        finally:
            await database.close()

    return asyncio.run(run())


def _say(line: str) -> None:
    out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
