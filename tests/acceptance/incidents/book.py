"""Count what became of incidents: in the tables, in the mail catcher, and at the receiver of signed requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from prefect_mailroom.channels.email.message import message_id
from tests.support.receiver import Receiver
from tests.support.system import System

OWNER, OPERATOR = "owner@example.com", "operator@example.com"
OWNER_MAIL, OWNER_NOTE, OPERATOR_MAIL, REQUEST = (
    "mail to the owner",
    "note to the owner",
    "mail to operators",
    "request",
)
TO_OWNER = frozenset({OWNER_MAIL, OWNER_NOTE})
TO_OPERATORS = frozenset({OPERATOR_MAIL, REQUEST})
OPENED, RESOLVED = "opened", "resolved"


@dataclass(frozen=True, slots=True)
class Seen:
    """An incident as the table has it."""

    id: str
    kind: str
    subject: str
    is_over: bool
    is_covered: bool
    was_told: bool


@dataclass
class Book:
    """What is known of the incidents of a system."""

    system: System
    receiver: Receiver
    _mails: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def incidents(self, kind: str = "", subject: str = "") -> list[Seen]:
        """Return the incidents of a kind and subject, or all of them, the oldest first."""
        rows = self.system.ledger(
            "SELECT id, kind, subject, resolved_at IS NOT NULL, merged_into IS NOT NULL, told_level IS NOT NULL "
            "FROM incidents ORDER BY opened_at, id"
        )
        found = [Seen(row[0], row[1], row[2], bool(row[3]), bool(row[4]), bool(row[5])) for row in rows]
        return [one for one in found if kind in ("", one.kind) and subject in ("", one.subject)]

    def rows(self, incident_id: str, stage: str) -> Counter[str]:
        """Return how many alerts of a stage the outbox says were sent, by route."""
        query = "SELECT route, target, user_id FROM alerts WHERE incident_id = ? AND stage = ? AND state = 'sent'"
        names = {"webhook": REQUEST, "in_app": OWNER_NOTE}
        found = Counter[str]()
        for route, target, _ in self.system.ledger(query, incident_id, stage):
            found[names.get(route) or (OWNER_MAIL if target == OWNER else OPERATOR_MAIL)] += 1
        return found

    def arrived(self, incident_id: str, stage: str) -> Counter[str]:
        """Return how many alerts of a stage have really come to the catcher and to the receiver, by route."""
        self._read_mails()
        found = Counter[str]()
        for address, name in ((OWNER, OWNER_MAIL), (OPERATOR, OPERATOR_MAIL)):
            thread = message_id(f"thread:alert:{incident_id}:local-mail:{address}", "mailroom.example")
            for to, of, subject in self._mails.values():
                if (to, of) == (address, thread) and subject.startswith("Over: ") == (stage == RESOLVED):
                    found[name] += 1
        for body in list(self.receiver.requests.values()):
            data = body["data"]
            if data["incident"]["id"] == incident_id and data["stage"] == stage:
                found[REQUEST] += 1
        return found

    def _read_mails(self) -> None:
        for summary in self.system.mails():
            if summary["id"] not in self._mails and set(summary["recipients"]) & {OWNER, OPERATOR}:
                url = f"http://127.0.0.1:{self.system.ports['MAIL_WEB_PORT']}/api/messages/{summary['id']}"
                mail: dict[str, Any] = httpx.get(url, timeout=10).json()
                headers = {name.lower(): value for name, value in mail["headers"]}
                thread = headers.get("in-reply-to", "").strip()
                self._mails[summary["id"]] = (summary["recipients"][0], thread, summary["subject"])
