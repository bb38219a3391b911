"""The guards of incidents: without them something wrong is told too often, to nobody, or never."""

from __future__ import annotations

from scripts.guards.guards import Guard

_DIFF, _STANDING = "mailroom/incidents/diff.py", "mailroom/incidents/standing.py"
_TELL = "mailroom/incidents/to_tell.py"
_ROOM = "tests/unit/incidents"
_DIFFS, _COVERS, _LEVELS = (f"{_ROOM}/test_diff.py",), (f"{_ROOM}/test_covering.py",), (f"{_ROOM}/test_escalation.py",)
_CONNECTIONS = (f"{_ROOM}/test_connection_troubles.py",)
_WATCH = ("tests/integration/incidents/test_watch.py",)
_FINDERS = ("tests/integration/incidents/test_finders.py",)

INCIDENT_GUARDS = (
    Guard(
        "unknown is not well",
        "What nobody could look for is not over.",
        _DIFF,
        "    if IncidentKind(row.kind) not in looked_for or row.last_seen_at > now:\n",
        "    if row.last_seen_at > now:\n",
        _DIFFS,
    ),
    Guard(
        "a slow look ends nothing new",
        "A look ends nothing that another process saw after it had begun.",
        _DIFF,
        "    if IncidentKind(row.kind) not in looked_for or row.last_seen_at > now:\n",
        "    if IncidentKind(row.kind) not in looked_for:\n",
        _DIFFS,
    ),
    Guard(
        "a slow look opens nothing old",
        "A look opens nothing that ended after it had begun.",
        _DIFF,
        "        if key in rows or key not in known.ended or known.ended[key] <= now\n",
        "        if True\n",
        _DIFFS,
    ),
    Guard(
        "what flaps ends late",
        "What comes back again and again is one incident until it stays away.",
        _DIFF,
        "    return not row.flaps or row.last_seen_at <= now - SETTLES_AFTER\n",
        "    return True\n",
        _DIFFS,
    ),
    Guard(
        "a told failure is not told again",
        "Who knows of a failure by its connection is told again only when the schedule fails anew.",
        _STANDING,
        "        return None if was_told else held\n",
        "        return held\n",
        _COVERS,
    ),
    Guard(
        "a person stops the escalation",
        "What somebody has taken note of, or muted, goes to nobody else.",
        "mailroom/incidents/escalation.py",
        "    if course.quiet:\n",
        "    if False:\n",
        _LEVELS,
    ),
    Guard(
        "one incident opens once",
        "Of two processes that open the same incident, the later one does nothing.",
        "mailroom/incidents/lifecycle.py",
        "    if await stored.insert(session, changes.opens) < len(changes.opens):\n        raise Overtaken\n",
        "    await stored.insert(session, changes.opens)\n",
        _WATCH,
    ),
    Guard(
        "what is covered is not told",
        "500 schedules that fail through one connection are told once.",
        _TELL,
        "        Incident.merged_into.is_(None),\n",
        "",
        _WATCH,
    ),
    Guard(
        "nothing is told before the hold is over",
        "Many failures with one cause become one incident before anybody is told.",
        _TELL,
        "        Incident.tell_at <= now,\n",
        "",
        _WATCH,
    ),
    Guard(
        "what is muted is not told",
        "Nothing is told of an incident until its mute ends.",
        _TELL,
        "        or_(Incident.muted_until.is_(None), Incident.muted_until <= now),\n",
        "",
        _WATCH,
    ),
    Guard(
        "an end is told to those who know",
        "What was over before it was told is not told at all.",
        _TELL,
        "Incident.told_level.is_not(None), Incident.end_told_at.is_(None))\n",
        "Incident.end_told_at.is_(None))\n",
        _WATCH,
    ),
    Guard(
        "one finder stops no other",
        "A finder that fails is told in the log, and the others are asked.",
        "mailroom/incidents/watch.py",
        "    except Exception:\n",
        "    except ZeroDivisionError:\n",
        _WATCH,
    ),
    Guard(
        "a connection works once something went well",
        "Failures before the last success through a connection do not count against it.",
        "mailroom/incidents/finders/connections/decide.py",
        "        if since is None or one.at > since:\n",
        "        if True:\n",
        _CONNECTIONS,
    ),
    Guard(
        "samples are no trouble",
        "Sample schedules are left out of what fails.",
        "mailroom/incidents/finders/ledger.py",
        "    lives = Schedule.state.in_(LIVES), Schedule.is_sample.is_(False)\n",
        "    lives = (Schedule.state.in_(LIVES),)\n",
        _FINDERS,
    ),
)
