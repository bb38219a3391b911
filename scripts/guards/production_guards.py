"""The guards of production: restorations, read-only mode, unsafe settings, dead workers, turns on Postgres."""

from __future__ import annotations

from scripts.guards.guards import Guard

_RESTORE = ("tests/integration/backups/test_restore.py",)
_RESTORED = ("tests/integration/stops/test_restored.py",)
_READ_ONLY = ("tests/integration/api/test_read_only.py",)
_UNSAFE = ("tests/unit/safety/test_unsafe.py",)

PRODUCTION_GUARDS = (
    Guard(
        "a host that is cut off keeps no locks",
        "Postgres notices within seconds that a client is gone without a word.",
        "mailroom/storage/hosts/lost.py",
        "    await connection.execute(_OF_SERVER)\n",
        "    pass\n",
        ("tests/integration/storage/test_lost_host.py",),
    ),
    Guard(
        "what was restored waits for a person",
        "Nothing leaves by a ledger that is older than what was sent.",
        "mailroom/backups/restore.py",
        "        return await restored.declare(database, places.witness, made_at=found.made_at, now=now)\n",
        "        return None\n",
        _RESTORE,
    ),
    Guard(
        "a person says what becomes of what was due",
        "After a restoration nothing is resumed by mistake.",
        "mailroom/releases/service.py",
        "    if not wanted.dry_run and restored and wanted.what_was_due is None:\n",
        "    if False:\n",
        _RESTORED,
    ),
    Guard(
        "read-only refuses changes",
        "While Mailroom is read-only, nothing is changed.",
        "api/actions/read_only.py",
        "    if why := await reason(services):\n",
        '    if why := "":\n',
        _READ_ONLY,
    ),
    Guard(
        "read-only holds for what is one's own",
        "What a key of the scope read may change of its user's own waits, too.",
        "api/actions/read_only.py",
        "    return (TABLE[action].scope is Scope.READ and action not in OWN) or action in STILL\n",
        "    return TABLE[action].scope is Scope.READ or action in STILL\n",
        _READ_ONLY,
    ),
    Guard(
        "production refuses unsafe settings",
        "Nobody starts with a password out of the documentation.",
        "mailroom/safety/unsafe.py",
        "    if faults:\n",
        "    if False:\n",
        _UNSAFE,
    ),
    Guard(
        "an open list is unsafe",
        "Connections of a production system do not lead everywhere.",
        "mailroom/safety/unsafe.py",
        "        return ip_network(text, strict=False).prefixlen == 0\n",
        "        return False\n",
        _UNSAFE,
    ),
    Guard(
        "a worker that was heard lives",
        "Nothing is taken from a worker that lives by its own intervals.",
        "deployments/runs/abandoned.py",
        "until - worker.last_heartbeat_time <= longest\n",
        "until - worker.last_heartbeat_time <= timedelta(0)\n",
        ("tests/unit/deployments/test_abandoned.py",),
    ),
    Guard(
        "a session that becomes free is no refusal",
        "On Postgres, an attempt begins where a session became free between two statements.",
        "mailroom/passes/sending/turns.py",
        "    for _ in range(_LOST_RACES):\n",
        "    for _ in range(1):\n",
        ("tests/integration/connections/breaker/test_turns.py",),
    ),
)
