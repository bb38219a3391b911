"""The guards of connections: without them too much leaves at once, or a far side that is down is not spared."""

from __future__ import annotations

from scripts.guards.guards import Guard

_FOLDER = "tests/integration/connections/breaker"
_BREAKER = (f"{_FOLDER}/test_breaker.py",)
_TURNS = (f"{_FOLDER}/test_turns.py",)
_DECIDED = ("tests/unit/connections/test_breaker.py",)
_REACHING = (f"{_FOLDER}/test_reaching.py",)
_REACHES = ("tests/unit/connections/test_reach.py",)
_TROUBLES = ("tests/unit/incidents/test_connection_troubles.py",)
_REACH = "mailroom/connections/breaker/reach.py"
_DECIDE = "mailroom/connections/breaker/decide.py"
_SERVICE = "mailroom/connections/breaker/service.py"
_DELIVER = "mailroom/passes/deliver.py"
_SENDING = "mailroom/passes/sending/turns.py"

BREAKER_GUARDS = (
    Guard(
        "an attempt waits for its turn",
        "No more attempts begin in a second than the connection allows, over all processes.",
        _SENDING,
        "        if turn.at > now:\n            return turn\n",
        "",
        _TURNS,
    ),
    Guard(
        "a turn that is far away holds no slot",
        "What has to wait long comes back, and leaves its process to others.",
        _SENDING,
        "        if turn.back:\n",
        "        if False:\n",
        _TURNS,
    ),
    Guard(
        "what waits for a turn is not tried before",
        "A pass leaves alone what has got a later time.",
        "mailroom/passes/sending/due.py",
        "            if forced or come or waiting is None:\n",
        "            if True:\n",
        ("tests/unit/passes/test_settle.py",),
    ),
    Guard(
        "sessions are counted over all processes",
        "No more attempts are under way than the connection allows.",
        _DELIVER,
        "                room=room,\n",
        "",
        _TURNS,
    ),
    Guard(
        "a dead process frees its sessions",
        "Only attempts whose pass holds its lease are under way.",
        "mailroom/executions/deliveries.py",
        ", Execution.lease_until > now)\n",
        ")\n",
        _TURNS,
    ),
    Guard(
        "ends of attempts are counted",
        "A connection whose attempts fail is found out.",
        _DELIVER,
        "            await breaker.record(session, name, sign, probing=probing, why=why, now=now, refused=refused)\n",
        "",
        _BREAKER,
    ),
    Guard(
        "an open breaker lets few attempts through",
        "What waits for a connection that is down uses up no attempt.",
        _DELIVER,
        "                if not await breaker.admit(session, name, lasts=lasts, now=self._database.now()):\n",
        "                if False:\n",
        _BREAKER,
    ),
    Guard(
        "one attempt alone is the first to try",
        "A far side that has just come back is not overrun.",
        _DECIDE,
        "            most = SUCCESSES - breaker.succeeded if breaker.succeeded else 1\n",
        "            most = SUCCESSES - breaker.succeeded\n",
        _DECIDED,
    ),
    Guard(
        "the connection is tried after a while",
        "An open breaker waits before it lets the connection be tried.",
        _DECIDE,
        "            return 1 if breaker.probe_at is not None and breaker.probe_at <= now else 0\n",
        "            return 1\n",
        _DECIDED,
    ),
    Guard(
        "a refused recipient says nothing against the connection",
        "Wrong addresses of one schedule do not keep others from their reports.",
        "mailroom/passes/sending/signs.py",
        "        case Receipt() | Refused():\n            return Sign.WORKS\n",
        "        case Receipt():\n            return Sign.WORKS\n"
        "        case Refused():\n            return Sign.FAILS\n",
        _BREAKER,
    ),
    Guard(
        "what was counted before does not open it again",
        "A breaker that has closed begins to count anew.",
        _SERVICE,
        "    await stored.forget_counts(session, name)\n",
        "",
        _BREAKER,
    ),
    Guard(
        "what is gone is not tried again",
        "After HTTP 410 nothing leaves through the connection until a person has changed it.",
        _SERVICE,
        "    if probing or sign is Sign.GONE:\n",
        "    if probing:\n",
        _BREAKER,
    ),
    Guard(
        "those who wait are told",
        "A connection that is disabled is not found out by missing reports.",
        _SERVICE,
        "    await notify(session, told, at=now)\n",
        "",
        _BREAKER,
    ),
    Guard(
        "other settings enable a connection",
        "Whoever mends a connection does not have to know of its breaker.",
        "mailroom/connections/service.py",
        "        await breaker.changed(session, name, context)\n",
        "",
        _BREAKER,
    ),
    Guard(
        "few runs are woken to try a connection",
        "Thousands that wait do not come back for nothing.",
        "mailroom/releases/held.py",
        ".order_by(*order).limit(free)",
        ".order_by(*order)",
        _BREAKER,
    ),
    Guard(
        "a far side that is down is no fault of the schedule",
        "A schedule is not suspended since its connection was disabled.",
        "mailroom/passes/conclude.py",
        "        stopped = result.reason.code in NOT_ITS_FAULT\n",
        "        stopped = False\n",
        _BREAKER,
    ),
    Guard(
        "one process reaches for a far side",
        "However many processes run, a far side that is down is asked by one of them.",
        _SERVICE,
        "    if begun is not None:\n        await stored.write(session, name, begun)\n",
        "",
        _REACHING,
    ),
    Guard(
        "a refused password is not sent again and again",
        "Looking whether a far side is back does not lock an account.",
        _REACH,
        "        case Reached.REFUSED | Reached.IMPOSSIBLE:\n",
        "        case Reached.IMPOSSIBLE:\n",
        _REACHING,
    ),
    Guard(
        "a breaker that opened by a refusal is left alone",
        "A password that deliveries have just shown to be wrong is not tried in between.",
        _DECIDE,
        "under_way_until=now + wait if refused else None)",
        "under_way_until=None)",
        _REACHES,
    ),
    Guard(
        "a far side that answers is tried at once",
        "What waits goes on a few seconds after a far side is back.",
        _REACH,
        "            return replace(breaker, probe_at=now, under_way_until=due_at)\n",
        "            return breaker\n",
        _REACHING,
    ),
    Guard(
        "a trial that was brought forward is no trip",
        "A connection whose far side answers and takes nothing is disabled no sooner than one that is down.",
        _DECIDE,
        "            return _open_as_before(left, left.probe_at, now=now, refused=refused)\n",
        "            return opened(left, now=now, refused=refused)\n",
        _REACHES,
    ),
    Guard(
        "an open breaker is an incident",
        "A connection that is down is told within a minute.",
        "mailroom/incidents/finders/connections/decide.py",
        "    if breaker.state is not BreakerState.HALF_OPEN:\n        return True\n",
        "    if breaker.state is BreakerState.DISABLED:\n        return True\n",
        _TROUBLES,
    ),
)
