"""The guards of conditions and of product events: who gets a report that was not to be sent, or is told twice."""

from __future__ import annotations

from scripts.guards.guards import Guard

_CONDITIONS = ("tests/integration/passes/test_conditions.py",)
_EVENTS = ("tests/integration/product_events/test_product_events.py",)

CONDITION_GUARDS = (
    Guard(
        "a correction heeds no condition",
        "Whoever got the wrong report gets the right one, also one without rows.",
        "mailroom/passes/conditions/withheld.py",
        "    return execution.corrects is None and execution.kind is not ExecutionKind.TEST\n",
        "    return True\n",
        (*_CONDITIONS, "tests/integration/passes/correcting/test_corrections.py"),
    ),
    Guard(
        "what was withheld stays so",
        "A pass that follows one that broke off does not send what the condition kept back.",
        "mailroom/passes/steps/begin.py",
        "        elif rendered.plan.withheld is not None:\n",
        "        elif False:\n",
        _CONDITIONS,
    ),
    Guard(
        "a test is no delivery",
        "What only a tester got is news to the recipients.",
        "mailroom/passes/conditions/last_delivered.py",
        "            Execution.kind != ExecutionKind.TEST,\n",
        "",
        _CONDITIONS,
    ),
    Guard(
        "what nobody got was not delivered",
        "Data is compared with what arrived, not with what was only rendered.",
        "mailroom/passes/conditions/last_delivered.py",
        "            arrived,\n",
        "",
        _CONDITIONS,
    ),
    Guard(
        "a shared rendering is asked again where its facts do not say enough",
        "A threshold is decided as if each value had been looked at.",
        "mailroom/rendering/service.py",
        "    if says_enough(made, request):\n",
        "    if True:\n",
        _CONDITIONS,
    ),
    Guard(
        "an event is claimed before it leaves",
        "Of two senders, one sends it; where that one dies, the other does.",
        "mailroom/product_events/lifecycle.py",
        "next_attempt_at=now + LEASE, attempts",
        "next_attempt_at=now, attempts",
        _EVENTS,
    ),
    Guard(
        "an event names no recipient",
        "The words of a reason may name people; its code does not.",
        "mailroom/product_events/spec.py",
        '            "reason_code": execution.reason_code,\n',
        '            "reason_code": execution.reason_code,\n            "reason": execution.reason,\n',
        _EVENTS,
    ),
)
