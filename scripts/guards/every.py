"""Every guard that is watched, of the ledger, of access and of recipients."""

from __future__ import annotations

from scripts.guards.access_guards import ACCESS_GUARDS
from scripts.guards.guards import GUARDS
from scripts.guards.recipient_guards import RECIPIENT_GUARDS

EVERY_GUARD = (*GUARDS, *ACCESS_GUARDS, *RECIPIENT_GUARDS)
