"""The guards of what is kept, and of what is removed."""

from __future__ import annotations

from scripts.guards.guards import Guard

_RETENTION = ("tests/integration/retention/test_retention.py",)
_PLANS = ("tests/integration/retention/test_plans.py",)

RETENTION_GUARDS = (
    Guard(
        "the last execution of a schedule stays",
        "A schedule shows its last execution, however old it is.",
        "mailroom/retention/executions.py",
        "Execution.created_at < before, ended, ~is_last",
        "Execution.created_at < before, ended",
        _RETENTION,
    ),
    Guard(
        "what has not ended stays",
        "An execution that waits is not removed, whatever its age.",
        "mailroom/retention/executions.py",
        "Execution.created_at < before, ended, ~is_last",
        "Execution.created_at < before, ~is_last",
        _RETENTION,
    ),
    Guard(
        "old executions are read by their due time",
        "Found by their state, everything old would be read and sorted for each batch.",
        "mailroom/retention/executions.py",
        "func.lower(cast(Execution.status, String)).in_([str(state) for state in _ENDED])",
        "Execution.status.in_(_ENDED)",
        _PLANS,
    ),
    Guard(
        "a late backfill counts from when it was made",
        "An old due time that was filled in lately is kept as long as any other execution.",
        "mailroom/retention/executions.py",
        "Execution.due_at < before, Execution.created_at < before,",
        "Execution.due_at < before,",
        _RETENTION,
    ),
    Guard(
        "a file's name stays while an execution names it",
        "A row of a file is not removed under the execution that has it as its export.",
        "mailroom/retention/executions.py",
        "Artifact.expires_at < before, ~named",
        "Artifact.expires_at < before",
        _RETENTION,
    ),
    Guard(
        "one process removes at a time",
        "Two processes that removed at once would hold twice the locks.",
        "mailroom/retention/progress.py",
        "RetentionProgress.leased_until <= now",
        "RetentionProgress.leased_until <= until",
        _RETENTION,
    ),
    Guard(
        "an open incident stays",
        "What is still wrong is not forgotten.",
        "mailroom/retention/happenings.py",
        "Incident.resolved_at < before",
        "Incident.opened_at < before",
        _RETENTION,
    ),
)
