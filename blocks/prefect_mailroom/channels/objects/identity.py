"""Decide whether a connection may send as the machine it runs on.

A role of the machine (an instance role, a managed identity, a workload identity) is the operator's. Whoever may make
connections could use it for buckets that only the operator should reach, so the operator has to allow it.
"""

from __future__ import annotations

import os

from prefect_mailroom.channels.objects import faults

VARIABLE = "MAILROOM_CLOUD_IDENTITY"
"""The operator's: `true` lets connections send as the identity of the machine that the worker runs on."""


def may_be_used() -> bool:
    """Tell whether connections may send as the machine."""
    return os.environ.get(VARIABLE, "").lower() == "true"


def refuse_unless_allowed() -> None:
    """Let a connection that sends as the machine pass, or refuse it.

    Raises:
        ConfigurationError: the operator did not allow it.
    """
    if not may_be_used():
        raise faults.no_identity(
            "Connections may not send as the identity of this machine.",
            f"The operator can allow it with {VARIABLE}=true where workers and API run; or use a role or a key.",
        )
