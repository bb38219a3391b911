"""The guards of what is told of large uploads and of what can be chosen: nothing false, and no secret."""

from __future__ import annotations

from scripts.guards.guards import Guard

_PROGRESS = ("tests/integration/passes/test_upload_progress.py",)
_CHOICES = ("tests/integration/api/test_connection_choices.py",)

UPLOAD_GUARDS = (
    Guard(
        "what is told late of an upload changes nothing",
        "A delivery that has ended does not show as if it were still being sent.",
        "mailroom/executions/history/upload_progress.py",
        ", Delivery.status == DeliveryState.SENDING)\n",
        ")\n",
        _PROGRESS,
    ),
    Guard(
        "an upload that failed shows nothing any more",
        "Nobody takes the bytes of an attempt that failed for what has arrived.",
        "mailroom/executions/delivery_lifecycle.py",
        "**(delivered or NOT_UNDER_WAY)",
        "**delivered",
        _PROGRESS,
    ),
    Guard(
        "a list of choices tells no secret",
        "A far side that repeats the key which it refuses does not bring it onto the page.",
        "mailroom/connections/choosing.py",
        "        masked = mask.error(failed)\n",
        "        masked = failed\n",
        _CHOICES,
    ),
    Guard(
        "a list of choices is counted and recorded as a check",
        "Nobody asks far sides without a limit, or with whose secrets the audit trail does not say.",
        "api/actions/connections/unsaved.py",
        '    async with _trial(caller, wanted, block, "choices"):\n',
        "    if block is not None:\n",
        _CHOICES,
    ),
)
