"""Every guard that is watched, of the ledger, of access, of the audit trail and of secrets."""

from __future__ import annotations

from scripts.guards.access_guards import ACCESS_GUARDS
from scripts.guards.guards import GUARDS
from scripts.guards.trail_guards import TRAIL_GUARDS

EVERY_GUARD = (*GUARDS, *ACCESS_GUARDS, *TRAIL_GUARDS)
