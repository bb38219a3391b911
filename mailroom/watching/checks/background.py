"""Check whether the background loops of all processes show that they live. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mailroom.heartbeats import decide
from mailroom.heartbeats.spec import Beat
from mailroom.watching.checks.spec import Check, CheckName, State
from mailroom.watching.signs.written import SIGNS

_REMEDY = "Look at the log of that process, and restart it."


def judge(beats: Sequence[Beat], now: datetime) -> Check:
    """Return whether every loop is heard, and every process that did not end as it should was replaced."""
    name = CheckName.BACKGROUND
    loops = [beat for beat in beats if beat.name not in SIGNS]
    if not loops:
        return Check(name, State.UNKNOWN, "No process has written a sign of life.", "Start one with `mailroom up`.")
    silent = decide.silent(beats, now, besides=SIGNS)
    if not silent:
        alive = decide.living(beats, now)
        count = sum(beat.process in alive for beat in loops)
        message = f"{count} loops of {len(alive)} processes are heard."
        return Check(name, State.OK, message, detail=", ".join(sorted(alive)))
    dead, late = [one for one in silent if not one.loop], [one for one in silent if one.loop]
    parts = [f"{len(dead)} process{'' if len(dead) == 1 else 'es'}"] if dead else []
    parts += [f"the loop '{loop}'" for loop in dict.fromkeys(one.loop for one in late)]
    message = f"No sign of life for too long: {', '.join(parts)}."
    detail = ", ".join(one.subject for one in silent)
    return Check(name, State.PROBLEM, message, _REMEDY, silent[0].since, detail)
