"""The guards of the ledger: conditions without which something is sent twice, is lost, or leaves against a wish.

A guard's `text` stands exactly once in its file; a unit test sees to that, so the list follows the code.
"""

from __future__ import annotations

from dataclasses import dataclass

_PASSES = "tests/integration/passes"
_ATTEMPTS = "tests/integration/executions/test_attempts.py"
_TRIED = "    if isinstance(result, Tried):\n        result = await _outcome(session, result, deliveries, now)\n"
_STOPS = "tests/integration/stops"


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard: its `text` in `file`, what stands there `without` it, and the tests of which one must turn red."""

    name: str
    why: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]

    def removed_from(self, source: str) -> str:
        """Return the source without the guard.

        Raises:
            ValueError: the text is not there, or more than once: the list is out of step with the code.
        """
        found = source.count(self.text)
        if found != 1:
            raise ValueError(f"The text of the guard '{self.name}' stands {found} times in {self.file}, not once.")
        return source.replace(self.text, self.without)


GUARDS = (
    Guard(
        "one run an occurrence",
        "Of two flow runs for one due time, one stops.",
        "mailroom/passes/claim.py",
        "    if execution.flow_run_id != run.id:\n",
        "    if False:\n",
        (f"{_PASSES}/test_claim.py",),
    ),
    Guard(
        "one run a request",
        "A requested execution belongs to the run that it was handed to.",
        "mailroom/passes/claim.py",
        "    if execution.flow_run_id and execution.flow_run_id != run.id:\n",
        "    if False:\n",
        (f"{_PASSES}/test_claim.py",),
    ),
    Guard(
        "only due times fire",
        "A run of Prefect's whose moment the timing does not name does nothing.",
        "mailroom/passes/claim.py",
        "        if not is_due(spec.timing, due_at, business):\n",
        "        if False:\n",
        (f"{_PASSES}/test_claim.py",),
    ),
    Guard(
        "nothing due before the accounts were closed",
        "What was due under an earlier timing and is accounted for does not fire late.",
        "mailroom/passes/claim.py",
        "        if due_at <= schedule.accounted_until:\n",
        "        if False:\n",
        ("tests/integration/schedules/test_watchdog.py",),
    ),
    Guard(
        "a success is final",
        "A run of a success that is started again stops.",
        "mailroom/passes/claim.py",
        "    if execution.status in (ExecutionState.SUCCESS, ExecutionState.SKIPPED, ExecutionState.MISSED):\n",
        "    if False:\n",
        (f"{_PASSES}/test_claim.py",),
    ),
    Guard(
        "a lease is respected",
        "No pass begins while the process of another one lives.",
        "mailroom/passes/claim.py",
        "execution.lease_until and execution.lease_until > now:\n",
        "execution.lease_until and False:\n",
        ("tests/integration/deployments/runs/test_rescue.py",),
    ),
    Guard(
        "a dead pass is closed",
        "What a dead pass left under way becomes unknown before anything is sent again.",
        "mailroom/passes/claim.py",
        "    await delivery_lifecycle.abandon_attempts(session, execution.id, now=now)\n",
        "",
        (f"{_PASSES}/test_claim.py",),
    ),
    Guard(
        "the lease is renewed",
        "A pass that takes longer than a lease is not taken for dead.",
        "mailroom/passes/lease.py",
        "until = database.now() + LENGTH\n",
        "until = database.now()\n",
        (f"{_PASSES}/test_fencing.py",),
    ),
    Guard(
        "a pass stops when it has lost its lease",
        "A pass that slept past its lease does nothing more.",
        "mailroom/passes/lease.py",
        "            holder.cancel()\n",
        "",
        (f"{_PASSES}/test_fencing.py",),
    ),
    Guard(
        "a lease is its pass's own",
        "A pass that slept leaves its successor's lease alone.",
        "mailroom/executions/repository.py",
        "    mine = (Execution.id == execution_id, Execution.pass_count == pass_number)\n",
        "    mine = (Execution.id == execution_id,)\n",
        (f"{_PASSES}/test_fencing.py",),
    ),
    Guard(
        "writes are fenced",
        "A pass that slept concludes nothing for its successor.",
        "mailroom/executions/fence.py",
        "    if execution.pass_count != pass_number:\n",
        "    if False:\n",
        (f"{_PASSES}/test_fencing.py",),
    ),
    Guard(
        "attempts are fenced",
        "A pass that was followed begins no attempt.",
        "mailroom/executions/delivery_lifecycle.py",
        "            fence,\n",
        "",
        (_ATTEMPTS,),
    ),
    Guard(
        "an attempt is begun by one",
        "Of two passes that read a delivery, one makes the attempt.",
        "mailroom/executions/delivery_lifecycle.py",
        "            Delivery.attempts == delivery.attempts,\n",
        "",
        (_ATTEMPTS, f"{_PASSES}/test_claim.py"),
    ),
    Guard(
        "an attempt begins from a state that allows it",
        "What is under way, delivered or refused is not begun by the plan.",
        "mailroom/executions/delivery_lifecycle.py",
        "            Delivery.status.in_(ALLOWED.sources_of(DeliveryState.SENDING, by)),\n",
        "",
        (_ATTEMPTS, f"{_PASSES}/test_claim.py"),
    ),
    Guard(
        "a confirmed delivery is never repeated",
        "No attempt begins where any attempt of the delivery is confirmed.",
        "mailroom/executions/delivery_lifecycle.py",
        "            ~_CONFIRMED,\n",
        "",
        (_ATTEMPTS, f"{_PASSES}/test_fencing.py"),
    ),
    Guard(
        "a late receipt counts",
        "A receipt that comes after another attempt has begun is kept.",
        "mailroom/executions/delivery_lifecycle.py",
        "            true() if delivered else Delivery.attempts == attempt.number,\n",
        "            Delivery.attempts == attempt.number,\n",
        (f"{_PASSES}/test_claim.py", _ATTEMPTS),
    ),
    Guard(
        "only a late receipt counts",
        "A failure that comes after another attempt has begun changes nothing.",
        "mailroom/executions/delivery_lifecycle.py",
        "            true() if delivered else Delivery.attempts == attempt.number,\n",
        "            true(),\n",
        (f"{_PASSES}/test_claim.py", _ATTEMPTS),
    ),
    Guard(
        "receipts are adopted",
        "A delivery with a confirmed attempt becomes delivered when its dead pass is closed.",
        "mailroom/executions/delivery_lifecycle.py",
        "    await _adopt_receipts(session, execution_id)\n",
        "",
        (_ATTEMPTS, f"{_PASSES}/test_fencing.py"),
    ),
    Guard(
        "asked again when an attempt begins",
        "Nothing leaves for a schedule that was paused since the gate.",
        "mailroom/passes/deliver.py",
        "            return not await self._suppressed(session, delivery)\n",
        "            return True\n",
        (f"{_PASSES}/test_at_the_last_moment.py",),
    ),
    Guard(
        "asked again just before the content leaves",
        "Nothing leaves for a schedule that was paused while the mail server let us wait.",
        "mailroom/passes/deliver.py",
        "        if reason:\n            raise NotAllowed(reason)\n",
        "",
        (f"{_PASSES}/test_paused_meanwhile.py",),
    ),
    Guard(
        "a receipt in hand is kept",
        "A receipt is written though the pass is broken off meanwhile.",
        "mailroom/passes/deliver.py",
        "                await recording  # Whatever ends the pass, what the far side said is kept first.\n",
        "",
        (f"{_PASSES}/test_at_the_last_moment.py",),
    ),
    Guard(
        "a receipt is written at last",
        "A busy database does not lose what the far side confirmed.",
        "mailroom/passes/deliver.py",
        "        await self._database.transact_patiently(end, what, pauses=RECEIPT)\n",
        "        async with self._database.session() as session:\n            await end(session)\n",
        (f"{_PASSES}/test_errors_that_live.py",),
    ),
    Guard(
        "one delivery's error leaves the others alone",
        "An error of our own in one delivery does not cancel its siblings.",
        "mailroom/passes/deliver.py",
        '        except Exception as error:\n            _LOG.exception("Delivery',
        '        except () as error:\n            _LOG.exception("Delivery',
        (f"{_PASSES}/test_errors_that_live.py",),
    ),
    Guard(
        "an error of our own is a retry",
        "An unexpected error inside a pass never ends an execution for good.",
        "mailroom/passes/work.py",
        "            return await self._after_error(begun, error)\n",
        "            raise\n",
        (f"{_PASSES}/test_errors_that_live.py",),
    ),
    Guard(
        "everybody gets the first pass's files",
        "A later pass sends what the first one planned, whatever was changed since.",
        "mailroom/passes/work.py",
        "        if begun.claimed.execution.plan is None:\n",
        "        if True:\n",
        (f"{_PASSES}/test_one_plan.py",),
    ),
    Guard(
        "an end is concluded once",
        "An execution that was cancelled meanwhile stays so.",
        "mailroom/passes/conclude.py",
        f"    if execution.status.ended:\n        return stands\n{_TRIED}"
        "    if not lifecycle.ALLOWED.allows(execution.status, result.state, By.PLAN):\n        return stands\n",
        _TRIED,
        (f"{_PASSES}/test_work.py", f"{_PASSES}/test_policies.py"),
    ),
    Guard(
        "an old answer is asked for again",
        "What waited for a lock does not send by what was true before it.",
        "mailroom/executions/overlap.py",
        "    if time.monotonic() - asked_at > _STALE_SECONDS:\n",
        "    if False:\n",
        ("tests/integration/executions/test_standing.py",),
    ),
    Guard(
        "moves ask the table",
        "An execution's state changes only as the table of moves allows.",
        "mailroom/executions/lifecycle.py",
        "    ALLOWED.check(execution.status, state, by)\n",
        "",
        ("tests/unit/executions/test_states.py", f"{_PASSES}/test_work.py"),
    ),
    Guard(
        "dead passes have a limit",
        "An execution whose process dies again and again is not put back for ever.",
        "deployments/runs/rescue.py",
        "    if (execution.crash_count or 0) < MAX_PASSES:\n",
        "    if True:\n",
        ("tests/integration/deployments/runs/test_rescue.py",),
    ),
    Guard(
        "only dead passes count",
        "What the ledger says is retried goes on, however many passes it took.",
        "deployments/runs/rescue.py",
        "    waits = execution.status is ExecutionState.RETRYING and",
        "    waits = False and",
        ("tests/unit/deployments/test_cure.py",),
    ),
    Guard(
        "a deadlock is done over",
        "A transaction that gave way to another one is run again.",
        "mailroom/storage/contention.py",
        "            if not is_contention(error):\n                raise\n",
        "            raise\n",
        ("tests/integration/storage/test_contention.py",),
    ),
    Guard(
        "drift is judged by its generation",
        "What our own unfinished change explains is not taken for a person's hand.",
        "deployments/sync/drift_judge.py",
        " and schedule.observed_generation == schedule.generation\n",
        "\n",
        ("tests/unit/deployments/test_drift_judge.py",),
    ),
    Guard(
        "the address that answered is checked",
        "A name that changes its mind between look-up and connection opens no door inside.",
        "blocks/prefect_mailroom/outbound.py",
        "                    permit(host, str(link.getpeername()[0]))\n",
        "",
        ("tests/unit/blocks/test_outbound.py",),
    ),
    Guard(
        "a stop is asked when an attempt begins and just before the content leaves",
        "Nothing leaves after a stop is committed, whatever was under way.",
        "mailroom/passes/deliver.py",
        "        if closed is None and standing.stop_id is not None:\n",
        "        if False:\n",
        (f"{_STOPS}/test_held_passes.py",),
    ),
    Guard(
        "a stop holds a first pass before it renders",
        "What is due while everything is stopped waits, and holds no slot.",
        "mailroom/passes/gate.py",
        "    return _too_late(situation) or _held(situation) or _overlap(situation)\n",
        "    return _too_late(situation) or _overlap(situation)\n",
        ("tests/unit/passes/test_gate_while_stopped.py",),
    ),
    Guard(
        "a stop counts no attempt",
        "What a stop took back at the last moment is tried as often as before.",
        "mailroom/executions/delivery_lifecycle.py",
        "            attempts=Delivery.attempts - 1,\n",
        "            attempts=Delivery.attempts,\n",
        (f"{_STOPS}/test_held_passes.py",),
    ),
    Guard(
        "each pass asks the witness",
        "A database that was restored from a backup sends nothing before a person says so.",
        "mailroom/passes/steps/begin.py",
        "    if tells_of_more(seen, standing.clock):\n",
        "    if False:\n",
        (f"{_STOPS}/test_restored.py",),
    ),
)
