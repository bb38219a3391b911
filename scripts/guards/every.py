"""Every guard that is watched, of the ledger, of access and of limits."""

from __future__ import annotations

from scripts.guards.access_guards import ACCESS_GUARDS
from scripts.guards.guards import GUARDS
from scripts.guards.limit_guards import LIMIT_GUARDS

EVERY_GUARD = (*GUARDS, *ACCESS_GUARDS, *LIMIT_GUARDS)
