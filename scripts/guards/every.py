"""Every guard that is watched: of the ledger, of access, of log-in, of limits, of recipients and of what comes in."""

from __future__ import annotations

from scripts.guards.access_guards import ACCESS_GUARDS
from scripts.guards.guards import GUARDS
from scripts.guards.input_guards import INPUT_GUARDS
from scripts.guards.limit_guards import LIMIT_GUARDS
from scripts.guards.login_guards import LOGIN_GUARDS
from scripts.guards.recipient_guards import RECIPIENT_GUARDS

EVERY_GUARD = (*GUARDS, *ACCESS_GUARDS, *INPUT_GUARDS, *LIMIT_GUARDS, *LOGIN_GUARDS, *RECIPIENT_GUARDS)
