"""The guards of deletions that can be undone, of sample schedules, and of the progress of runs."""

from __future__ import annotations

from scripts.guards.guards import Guard

_UNDO = ("tests/integration/api/test_undo_deletion.py",)
_LIMITS = ("tests/integration/api/limits/test_schedules.py",)
_ACCOUNTS = ("tests/integration/api/test_accounts.py",)
_GATE = ("tests/unit/passes/test_gate.py",)
_SEARCH = ("tests/integration/executions/test_search.py",)

DELETION_GUARDS = (
    Guard(
        "nothing leaves for a deleted schedule",
        "While its deletion can be undone, a schedule sends nothing, a test neither.",
        "mailroom/passes/gate.py",
        "    allowed = {ScheduleState.ACTIVE}\n",
        "    allowed = {ScheduleState.ACTIVE, ScheduleState.DELETED}\n",
        _GATE,
    ),
    Guard(
        "an undo ends with its time",
        "After its minutes a deleted schedule is gone, whether or not anything has run for it.",
        "mailroom/schedules/repository.py",
        "        there = or_(there, Schedule.delete_after > undoable_at)\n",
        "        there = or_(there, Schedule.delete_after.is_not(None))\n",
        _UNDO,
    ),
    Guard(
        "a deletion is not finished too early",
        "The deployment stays as long as the deletion can be undone.",
        "mailroom/schedules/deletions/finish.py",
        "finish(session, Schedule.delete_after <= now, now=now)",
        "finish(session, Schedule.delete_after.is_not(None), now=now)",
        _UNDO,
    ),
    Guard(
        "an undo counts against the limit",
        "Deleting and undoing is no way to more schedules than a user may have.",
        "mailroom/schedules/deletions/undo.py",
        "        await limits.take_schedule(session, owner, context.settings)\n",
        "        pass\n",
        _LIMITS,
    ),
    Guard(
        "an undo asks for the right of the owner",
        "The schedule of somebody who may not own one by now comes back suspended.",
        "mailroom/schedules/deletions/undo.py",
        "    if bar_of(owner) is not None:\n",
        "    if False:\n",
        _UNDO,
    ),
    Guard(
        "an undo asks for the report",
        "A schedule whose report has gone comes back suspended.",
        "mailroom/schedules/deletions/undo.py",
        "    if state is ScheduleState.ACTIVE and faults:\n",
        "    if False:\n",
        _UNDO,
    ),
    Guard(
        "a stale undo is refused",
        "Who has not seen the deletion does not undo it.",
        "mailroom/schedules/deletions/undo.py",
        '    check_etag(etag(schedule), if_match, noun="schedule")\n',
        "",
        _UNDO,
    ),
    Guard(
        "what was due while it was deleted is accounted for",
        "Nothing that was due between a deletion and its undo is sent afterwards.",
        "mailroom/schedules/deletions/undo.py",
        "    await account_for_change(session, [schedule], now=now)\n",
        "",
        _UNDO,
    ),
    Guard(
        "an erasure ends the time to undo",
        "An address that was erased does not come back with a schedule.",
        "mailroom/recipients/erase.py",
        "    await session.execute(update(Schedule).where(*undoable).values(delete_after=context.now))\n",
        "",
        _UNDO,
    ),
    Guard(
        "the figures leave samples out",
        "Invented runs make no success rate.",
        "mailroom/ledger/repository.py",
        "            Execution.schedule_id.not_in(_SAMPLES),\n",
        "",
        _ACCOUNTS,
    ),
    Guard(
        "the proof leaves samples out",
        "No due time of a sample is owed to anybody.",
        "mailroom/ledger/repository.py",
        " Schedule.is_sample.is_(False),",
        "",
        _ACCOUNTS,
    ),
    Guard(
        "progress is of the pass at work",
        "A pass that was overtaken writes nothing into the record of the next one.",
        "mailroom/executions/history/progress.py",
        "Execution.id == execution_id, Execution.pass_count == pass_number)",
        "Execution.id == execution_id,)",
        _SEARCH,
    ),
    Guard(
        "progress ends with the run",
        "What has ended does not change its record any more.",
        "mailroom/executions/history/progress.py",
        ".where(*mine, Execution.status == ExecutionState.RUNNING)",
        ".where(*mine)",
        _SEARCH,
    ),
)
