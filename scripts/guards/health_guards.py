"""The guards of health: without one, something that is wrong is not told, or is told though it is well."""

from __future__ import annotations

from scripts.guards.guards import Guard

_DECIDE = ("tests/unit/heartbeats/test_decide.py",)
_CHECKS = ("tests/unit/watching/test_checks.py",)
_FINDERS = ("tests/integration/incidents/test_health_finders.py",)
_HEALTH = ("tests/integration/api/test_health.py",)
_HEARTBEATS = ("tests/integration/heartbeats/test_heartbeats.py",)

HEALTH_GUARDS = (
    Guard(
        "a replaced process is not missed",
        "A process that its supervisor started again is no incident.",
        "mailroom/heartbeats/decide.py",
        "        later = [moment for moment in began[beat.role] if moment >= beat.last_success]\n",
        "        later: list[datetime] = []\n",
        _DECIDE,
    ),
    Guard(
        "one process replaces one",
        "Of two dead processes, one that began since does not hide both.",
        "mailroom/heartbeats/decide.py",
        "            began[beat.role].remove(later[-1])\n",
        "            pass\n",
        _DECIDE,
    ),
    Guard(
        "nobody is judged after an outage of the database",
        "Every process is silent in a database that was away, until it has written again.",
        "mailroom/incidents/finders/parts/loops.py",
        "    if not decide.is_witnessed(beats, now, steady_for=steady):\n",
        "    if False:\n",
        _FINDERS,
    ),
    Guard(
        "the upkeep is not told beside the worker",
        "Where nothing could run the upkeep, that it is silent is no second incident.",
        "mailroom/incidents/finders/parts/loops.py",
        "    return [_trouble(one) for one in silent if not _is_explained(one, seen, settings, now)]\n",
        "    return [_trouble(one) for one in silent]\n",
        _FINDERS,
    ),
    Guard(
        "what Prefect said counts for a while only",
        "While Prefect is silent, nothing is known of workers.",
        "mailroom/incidents/finders/parts/worker.py",
        "    return now - seen.heard_at <= timedelta(seconds=settings.prefect_silent_seconds)\n",
        "    return True\n",
        _FINDERS,
    ),
    Guard(
        "a worker has time to begin",
        "Where everything starts together, the worker is not missed at once.",
        "mailroom/incidents/finders/parts/worker.py",
        "    if not was_silent and now - seen.asked_since < _FIRST:\n",
        "    if False:\n",
        _FINDERS,
    ),
    Guard(
        "the queue is not told beside the worker",
        "Without a worker everything waits, which its own incident tells.",
        "mailroom/incidents/finders/parts/queue.py",
        "    if worker.judge(seen.signs, settings, now).state is not State.OK:\n",
        "    if False:\n",
        _FINDERS,
    ),
    Guard(
        "Prefect is back when it answers steadily",
        "One answer in the middle of an outage does not end it.",
        "mailroom/watching/checks/prefect.py",
        "    if not was_silent:\n",
        "    if True:\n",
        (*_CHECKS, *_FINDERS),
    ),
    Guard(
        "a busy Prefect is not a silent one",
        "A crowded minute raises no alert.",
        "mailroom/watching/checks/prefect.py",
        " * (_BUSY if seen.signs.busy else 1)\n",
        "\n",
        _CHECKS,
    ),
    Guard(
        "a disk has room again with some to spare",
        "A figure that moves around its limit does not open and close an incident in turns.",
        "mailroom/watching/checks/disk.py",
        " * (_RELEASE if was_low else 1):",
        ":",
        (*_CHECKS, *_FINDERS),
    ),
    Guard(
        "a Prefect that hangs delays nobody",
        "`/readyz` answers within about a second.",
        "mailroom/watching/signs/prefect.py",
        "        async with asyncio.timeout(seconds):\n",
        "        async with asyncio.timeout(20 * seconds):\n",
        _HEALTH,
    ),
    Guard(
        "a process that ends well is not missed",
        "It removes its signs of life.",
        "deployments/heartbeats.py",
        "            await self._database.transact(leave)\n",
        "            pass\n",
        _HEARTBEATS,
    ),
    Guard(
        "the workers are always expected",
        "Their upkeep is never forgotten, however long it is silent.",
        "mailroom/heartbeats/repository.py",
        "delete(Heartbeat).where(Heartbeat.process != WORKERS, ",
        "delete(Heartbeat).where(",
        _HEARTBEATS,
    ),
)
