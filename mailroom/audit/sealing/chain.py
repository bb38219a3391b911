"""Chain the entries of the audit trail by their hashes. Pure.

The hash of an entry covers its canonical JSON, its place in the chain and the hash of the entry before it. So a changed
entry, a removed one, and two that changed places no longer fit; only a chain that is computed anew from there on fits
again, and that one contradicts the signed checkpoints outside the database.
"""

from __future__ import annotations

import json
from datetime import UTC
from hashlib import sha256
from typing import Any

from mailroom.storage.tables import AuditEvent


def beginning(trail_id: str) -> str:
    """Return the hash that stands before the first entry: no two trails have the same."""
    return sha256(trail_id.encode()).hexdigest()


def entry_of(event: AuditEvent) -> dict[str, Any]:
    """Return an entry as it is exported and hashed: every column, with the time in UTC."""
    return {
        "id": event.id,
        "at": event.at.astimezone(UTC).isoformat(),
        "actor": event.actor,
        "on_behalf_of": event.on_behalf_of,
        "action": event.action,
        "entity_type": event.entity_type,
        "entity_id": event.entity_id,
        "detail": event.detail,
        "address": event.address,
        "login": event.login,
    }


def canonical(value: dict[str, Any]) -> bytes:
    """Return the one way to write a JSON object: sorted keys, no blanks, nothing but ASCII.

    What is not ASCII and what is a control character is escaped, so that an entry is always one line of text that no
    name can steer a terminal with.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def link(previous: str, position: int, entry: dict[str, Any]) -> str:
    """Return the hash of the chain up to an entry at this place, after the hash before it."""
    return sha256(f"{previous}\n{position}\n".encode() + canonical(entry)).hexdigest()
