"""The guards of several hosts: without them clocks that differ or a share that is not mounted do harm unseen."""

from __future__ import annotations

from scripts.guards.guards import Guard

_CLOCK = "tests/integration/storage/test_one_clock.py"
_PASSES = "tests/integration/passes/test_clocks_that_differ.py"
_SHARE = "tests/integration/storage/test_shared_artifacts.py"
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
        "no mark on a folder that is not mounted",
        "A host that has another folder than the others marks nothing.",
        "mailroom/storage/hosts/marker.py",
        "    if before is not None and not anew:\n",
        "    if False:\n",
        (_SHARE,),
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
