"""Every guard that is watched, of the ledger and of access."""

from __future__ import annotations

from scripts.guards.access_guards import ACCESS_GUARDS
from scripts.guards.guards import GUARDS

EVERY_GUARD = (*GUARDS, *ACCESS_GUARDS)
