"""The guards of what is told at set times, and of what readers are told."""

from __future__ import annotations

from scripts.guards.guards import Guard

_CLAIMS = ("tests/integration/telling/test_claims.py",)
_SENT = ("tests/integration/telling/test_sent.py",)
_PERIODS = ("tests/unit/telling/test_periods.py",)
_READERS = ("tests/unit/telling/test_readers.py",)

TELLING_GUARDS = (
    Guard(
        "who has taken a mail keeps it for its lease",
        "Two processes do not send the same mail at the same time.",
        "mailroom/telling/repository.py",
        "        row.next_attempt_at = now + LEASE\n",
        "        row.next_attempt_at = now\n",
        _CLAIMS,
    ),
    Guard(
        "a mail has one Message-ID",
        "A repeat after a crash is recognised by mail systems.",
        "mailroom/telling/sending/outbox.py",
        '        key=f"telling-{row.id}",\n',
        '        key=f"telling-{row.id}-{row.attempts}",\n',
        _SENT,
    ),
    Guard(
        "a mail is asked about just before it leaves",
        "Whoever stopped digests meanwhile gets none.",
        "mailroom/telling/sending/allowed.py",
        "    if not wants(user.preferences, row.kind, Route.MAIL):\n",
        "    if False:\n",
        _SENT,
    ),
    Guard(
        "a notice respects stops",
        "Nothing leaves for a schedule while sending is stopped.",
        "mailroom/telling/sending/allowed.py",
        "    return Held(now + HELD_FOR) if any(row) else None\n",
        "    return None\n",
        _SENT,
    ),
    Guard(
        "a notice respects who unsubscribed",
        "Whoever wants nothing of a schedule is not told of it either.",
        "mailroom/telling/sending/allowed.py",
        "    if (await session.execute(unsubscribed)).scalar_one() is not None:\n",
        "    if False:\n",
        _SENT,
    ),
    Guard(
        "a spread start is not late",
        "Nobody is told of a report that was to start later.",
        "mailroom/telling/readers/decide.py",
        "now >= due_at + policy.jitter + late_after",
        "now >= due_at + late_after",
        _READERS,
    ),
    Guard(
        "who has the report is not told",
        "A notice that is not true makes people distrust the others.",
        "mailroom/telling/readers/decide.py",
        "if person in found or any(one.status in _NOT_TO_TELL for one in mine):",
        "if person in found:",
        _READERS,
    ),
    Guard(
        "days follow the clock of the user",
        "A change of the clocks loses no hour and tells none twice.",
        "mailroom/telling/periods.py",
        "    begin = instant(dt.datetime.combine(day - _DAY, settings.digest_at), zone)\n",
        "    begin = due - _DAY\n",
        _PERIODS,
    ),
)
