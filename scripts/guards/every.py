"""Every guard that is watched, room by room."""

from __future__ import annotations

from scripts.guards.access_guards import ACCESS_GUARDS
from scripts.guards.connection_guards import CONNECTION_GUARDS
from scripts.guards.guards import GUARDS
from scripts.guards.input_guards import INPUT_GUARDS
from scripts.guards.limit_guards import LIMIT_GUARDS
from scripts.guards.login_guards import LOGIN_GUARDS
from scripts.guards.recipient_guards import RECIPIENT_GUARDS
from scripts.guards.trail_guards import TRAIL_GUARDS

EVERY_GUARD = (
    *GUARDS,
    *ACCESS_GUARDS,
    *CONNECTION_GUARDS,
    *INPUT_GUARDS,
    *LIMIT_GUARDS,
    *LOGIN_GUARDS,
    *RECIPIENT_GUARDS,
    *TRAIL_GUARDS,
)
