"""Check whether the hosts agree: on the time, and on where rendered files lie. Pure but for `look`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailroom.heartbeats.spec import Beat
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.hosts import marker
from mailroom.storage.hosts.clock import AGREES_WITHIN
from mailroom.storage.hosts.marker import Shared
from mailroom.watching.checks.spec import Check, CheckName, State
from mailroom.watching.signs.hosts import HostSign, host_name, of_hosts

_SYNCHRONISE = "Synchronise the clocks of the hosts, as with chrony. Until then the database's time is used everywhere."
_SHARE = (
    "Mount the shared folder, and let MAILROOM_ARTIFACTS_FOLDER name it on every host. If this folder is to be the "
    "store from now on, run `mailroom init --adopt-artifacts`."
)
_FOUND = {Shared.MISSING: "the folder has no mark", Shared.OTHER: "the folder has the mark of another store"}


@dataclass(frozen=True, slots=True)
class Here:
    """Hold what this process sees of its own host; `ahead` is None where the database has not told its time."""

    ahead: float | None
    mark: str


async def look(database: Database | None, settings: Settings) -> Here:
    """Look at this host."""
    mark = await asyncio.to_thread(marker.read, settings.artifacts_dir)
    return Here(database.clock.ahead if database is not None else None, mark)


def signs_of(beats: Sequence[Beat], here: Here, now: datetime) -> list[HostSign]:
    """Return what is known of each host, with what this process sees of its own."""
    mine = HostSign(host_name(), here.ahead or 0.0, frozenset({here.mark}))
    return [mine, *(sign for sign in of_hosts(beats, now) if sign.host != mine.host)]


def clocks(signs: Sequence[HostSign]) -> Check:
    """Return whether the clocks of the hosts agree with the database's."""
    wrong = [sign for sign in signs if abs(sign.ahead) > AGREES_WITHIN]
    if not wrong:
        return Check(CheckName.HOST_CLOCKS, State.OK, f"{_hosts(len(signs))} with the database on the time.")
    worst = max(abs(sign.ahead) for sign in wrong)
    message = f"The clocks of {len(wrong)} of {len(signs)} hosts differ from the database's, by up to {worst:.0f} s."
    detail = ", ".join(f"{sign.host} {sign.ahead:+.1f} s" for sign in wrong)
    return Check(CheckName.HOST_CLOCKS, State.WARNING, message, _SYNCHRONISE, detail=detail)


def artifacts(signs: Sequence[HostSign], kept: str | None) -> Check:
    """Return whether every host looks at the same store of rendered files."""
    if not kept:
        return Check(CheckName.ARTIFACTS, State.OK, "The store has no mark yet; `mailroom init` makes one.")
    wrong = {sign.host: shared for sign in signs if (shared := marker.judge_all(kept, sign.marks)) is not Shared.YES}
    if not wrong:
        return Check(CheckName.ARTIFACTS, State.OK, f"{_hosts(len(signs))} on where rendered files lie.")
    has = "has" if len(wrong) == 1 else "have"
    message = f"{len(wrong)} of {len(signs)} hosts {has} another folder than the store of rendered files."
    detail = ", ".join(f"{host}: {_FOUND[shared]}" for host, shared in sorted(wrong.items()))
    return Check(CheckName.ARTIFACTS, State.PROBLEM, message, _SHARE, detail=detail)


def _hosts(count: int) -> str:
    return "1 host agrees" if count == 1 else f"{count} hosts agree"
