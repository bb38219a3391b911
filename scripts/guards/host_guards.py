"""The guards of several hosts: without them clocks that differ or a share that is not mounted do harm unseen."""

from __future__ import annotations

from scripts.guards.guards import Guard

_CLOCK = "tests/integration/storage/test_one_clock.py"
_PASSES = "tests/integration/passes/test_clocks_that_differ.py"
_SHARE = "tests/integration/storage/test_shared_artifacts.py"
_INCIDENTS = ("tests/integration/incidents/test_host_finders.py",)
_HEARS = "tests/integration/worker/test_prefect_private.py"
_STARTS = ("tests/integration/safety/test_refused_starts.py",)

HOST_GUARDS = (
    Guard(
        "a process alone starts with safe settings",
        "The API, a worker and renderers refuse at their start what is unsafe for them.",
        "cli/commands/serve/processes.py",
        "    unsafe.refuse(settings, os.environ, program)\n",
        "",
        _STARTS,
    ),
    Guard(
        "Prefect starts with safe settings",
        "Prefect's servers and services refuse a database, a key or a login that is none.",
        "cli/commands/serve/prefect.py",
        "    unsafe.refuse_all(unsafe.of_prefect(variables, listens=listens))\n",
        "",
        _STARTS,
    ),
    Guard(
        "the set-up starts with safe settings",
        "Nothing is made in a database or by an administrator that production must not have.",
        "cli/commands/init.py",
        "    unsafe.refuse(settings, os.environ, Program.INIT)\n",
        "",
        _STARTS,
    ),
    Guard(
        "one clock",
        "A host whose clock is wrong tells the time of the database.",
        "mailroom/storage/database.py",
        "            database_clock.watch(self.engine.sync_engine, self.clock)\n",
        "            pass\n",
        (_CLOCK, _PASSES),
    ),
    Guard(
        "nothing too early",
        "A run that a worker takes too early waits for its time.",
        "mailroom/passes/work.py",
        "        if 0 < early <= _MOST_EARLY_SECONDS:\n",
        "        if False:\n",
        (_PASSES,),
    ),
    Guard(
        "a worker waits by the clock of Prefect's server",
        "On a host whose clock is wrong, runs begin neither early nor late.",
        "blocks/prefect_mailroom/worker/prefect_private.py",
        '        self.client._client.event_hooks["response"].append(hear)\n',
        "",
        (_HEARS, "tests/integration/worker/test_wrong_clock.py"),
    ),
    Guard(
        "slow answers move no clock",
        "A busy server does not make a worker with a right clock begin late.",
        "blocks/prefect_mailroom/worker/server_clock.py",
        "        server = max(fresh)\n",
        "        server = fresh[-1]\n",
        ("tests/unit/blocks/test_server_clock.py",),
    ),
    Guard(
        "no mark on a folder that is not mounted",
        "A host that has another folder than the others marks nothing.",
        "mailroom/storage/hosts/marker.py",
        "    if before is not None and not anew:\n",
        "    if False:\n",
        (_SHARE,),
    ),
    Guard(
        "a wrong clock stays wrong until it is right",
        "A clock that moves around the limit is told once.",
        "mailroom/incidents/finders/parts/hosts.py",
        "    if off <= (AGREES_WITHIN / 2 if sign.host in before else AGREES_WITHIN):\n",
        "    if off <= AGREES_WITHIN:\n",
        _INCIDENTS,
    ),
    Guard(
        "a clock that differs by what is allowed wakes nobody",
        "Up to 30 seconds do no harm, and are a warning.",
        "mailroom/incidents/finders/parts/hosts.py",
        "    severity = Severity.ERROR if off > ALLOWED else Severity.WARNING\n",
        "    severity = Severity.ERROR\n",
        _INCIDENTS,
    ),
    Guard(
        "a host that is started again stays as it is",
        "Its incident does not end and open anew while nobody sees the host.",
        "mailroom/incidents/finders/parts/hosts.py",
        "        *_unseen([*clocks.values(), *folders.values()], signs, now),\n",
        "",
        _INCIDENTS,
    ),
    Guard(
        "every process of a host has to see the store",
        "A worker with another folder is not hidden by the API process beside it.",
        "mailroom/storage/hosts/marker.py",
        "    return next((one for one in judged if one not in (Shared.YES, Shared.UNMARKED)), judged[0])\n",
        "    return judged[-1]\n",
        _INCIDENTS,
    ),
    Guard(
        "newer tables that do not fit",
        "A program refuses tables whose version it cannot work with.",
        "mailroom/storage/migrations/__init__.py",
        "    return Fit.NEWER if works_from is not None and works_from <= newest_known else Fit.TOO_NEW\n",
        "    return Fit.NEWER\n",
        ("tests/integration/storage/test_newer_tables.py",),
    ),
    Guard(
        "outages are no deaths",
        "After an outage of the database, leases count only once everybody could renew them.",
        "deployments/runs/steady.py",
        "        return now - self._since >= RENEWAL_SECONDS\n",
        "        return True\n",
        ("tests/unit/deployments/test_abandoned.py",),
    ),
)
