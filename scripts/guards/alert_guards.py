"""The guards of alerts: without them people are told twice, of nothing, or not at all."""

from __future__ import annotations

from scripts.guards.guards import Guard

_ROUTES = ("tests/unit/alerts/test_routes.py",)
_TIMING = ("tests/unit/alerts/test_timing.py",)
_TURNS = ("tests/unit/alerts/test_turns.py",)
_FOLDER = "tests/integration/alerts"
_FAILING = (f"{_FOLDER}/test_failing_routes.py",)
_LEASES = (f"{_FOLDER}/test_leases.py",)

ALERT_GUARDS = (
    Guard(
        "nobody is told twice of one incident",
        "Who was told as the owner is not told again as a member of the team.",
        "mailroom/alerts/routes.py",
        "if target.key not in told]",
        "]",
        _ROUTES,
    ),
    Guard(
        "what cannot be told to one level goes on to the next",
        "Where nobody can be told, somebody else is.",
        "mailroom/alerts/routes.py",
        "    for one in ORDER[ORDER.index(level) :]:\n",
        "    for one in (level,):\n",
        _ROUTES,
    ),
    Guard(
        "admins are told where operators have no route",
        "An incident of nobody in particular is told to somebody.",
        "mailroom/alerts/routes.py",
        "            found = found or _of_admins(people.admins, kind)\n",
        "",
        _ROUTES,
    ),
    Guard(
        "what is over is told to nobody any more",
        "An alert that has not left when its incident is over, muted or covered never leaves.",
        "mailroom/alerts/lifecycle.py",
        "        return Turn.WITHDRAW if moot and not alert.in_doubt else Turn.SEND\n",
        "        return Turn.SEND\n",
        _TURNS,
    ),
    Guard(
        "nothing is told to an erased address",
        "What stands in place of an address that was erased gets no mail.",
        "mailroom/alerts/lifecycle.py",
        "    if is_erased(alert.target):\n",
        "    if False:\n",
        _TURNS,
    ),
    Guard(
        "the end follows what was told",
        "The end of an incident waits until it is known what became of the alert before it.",
        "mailroom/alerts/lifecycle.py",
        "    return Turn.WAIT if AlertState.PENDING in around.told else Turn.WITHDRAW\n",
        "    return Turn.WITHDRAW\n",
        _TURNS,
    ),
    Guard(
        "an attempt after its lease writes nothing",
        "What was begun anew elsewhere is not changed by the attempt before.",
        "mailroom/alerts/lifecycle.py",
        ", Alert.attempts == attempts)",
        ")",
        _LEASES,
    ),
    Guard(
        "an attempt belongs to one process for a while",
        "Two processes do not send one alert at the same time.",
        "mailroom/alerts/lifecycle.py",
        '"next_attempt_at": now + LEASE, "in_doubt": True}',
        '"in_doubt": True}',
        _FAILING,
    ),
    Guard(
        "a route is given up in time",
        "A route that does not work is left for the next one within half a minute.",
        "mailroom/alerts/timing.py",
        " or attempts >= MOST_ATTEMPTS:\n",
        ":\n",
        _TIMING,
    ),
    Guard(
        "the next route is taken",
        "What one route could not send goes by the next one.",
        "mailroom/alerts/sending/attempt.py",
        "            await repository.insert(session, *args, at=now, now=now, fallback_of=alert.id)\n",
        "            pass\n",
        _FAILING,
    ),
    Guard(
        "no mail through what is broken",
        "An alert about the mail connection is not tried through it.",
        "mailroom/alerts/sending/mail.py",
        "        if row.name == self._broken:\n",
        "        if False:\n",
        _FAILING,
    ),
    Guard(
        "names only to those who may know them",
        "An owner reads the names of the own schedules in an alert about many.",
        "mailroom/alerts/case.py",
        "        return one.owner_id == alert.user_id\n",
        "        return True\n",
        ("tests/unit/alerts/test_stories.py",),
    ),
    Guard(
        "quiet hours end",
        "What is not critical waits for the morning, and no longer.",
        "mailroom/alerts/timing.py",
        "    if at >= ends:\n",
        "    if True:\n",
        _TIMING,
    ),
    Guard(
        "a Prefect that is silent is told by mail",
        "The connection of alerts, whose secrets Prefect has, is at hand when Prefect does not answer.",
        "mailroom/connections/remembered.py",
        "            if kept is None:\n                raise\n",
        "            raise\n",
        ("tests/integration/alerts/test_prefect_silent.py", "tests/unit/connections/test_remembered.py"),
    ),
    Guard(
        "a Prefect that hangs holds no mail back for long",
        "Where the connection of alerts is at hand, Prefect has three seconds to answer.",
        "mailroom/connections/remembered.py",
        "            async with asyncio.timeout(None if kept is None else PATIENCE):\n",
        "            async with asyncio.timeout(None):\n",
        ("tests/unit/connections/test_remembered.py",),
    ),
)
