"""Say what an entry of the audit trail tells as a sentence: who did what to which thing. Pure.

Each phrase goes on after the name of who did it; `{thing}` is where the thing stands, and other names are of the
entry's detail. What has no phrase here is told by its action and the kind of its thing.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

KINDS: Mapping[str, str] = {
    "schedule": "schedule",
    "execution": "run",
    "report": "report",
    "connection": "connection",
    "calendar": "calendar",
    "user": "user",
    "team": "team",
    "key": "key",
    "artifact": "file",
    "stop": "stop",
    "suppression": "entry of the list of suppressions",
    "recipient": "recipient",
    "access": "request",
    "audit": "audit trail",
    "secret": "key of the installation",
    "alerts": "alerts",
    "backup": "backup",
}
"""The kinds of things in the words of pages."""
_PAGES = {
    "schedule": "/schedules/",
    "execution": "/executions/",
    "report": "/reports/",
    "connection": "/connections/",
    "calendar": "/calendars/",
    "user": "/settings/users/",
    "team": "/settings/teams/",
}
_PHRASES: Mapping[tuple[str, str], str] = {
    ("schedule", "created"): "made the schedule {thing}",
    ("schedule", "changed"): "changed the schedule {thing}",
    ("schedule", "paused"): "paused the schedule {thing}",
    ("schedule", "resumed"): "resumed the schedule {thing}",
    ("schedule", "deleted"): "deleted the schedule {thing}",
    ("schedule", "suspended"): "suspended the schedule {thing}",
    ("schedule", "finished"): "finished the schedule {thing}, which is due no more",
    ("schedule", "test"): "asked for a test of the schedule {thing}",
    ("schedule", "run_now"): "asked for a run of the schedule {thing}",
    ("schedule", "backfill"): "asked for {count} past runs of the schedule {thing}",
    ("schedule", "calendar_changed"): "moved the schedule {thing}, whose calendar changed",
    ("schedule", "drift repaired"): "undid a change by hand in Prefect to the schedule {thing}",
    ("schedule", "shared"): "changed with whom the schedule {thing} is shared",
    ("schedule", "reassigned"): "handed the schedule {thing} over",
    ("schedule", "unsubscribed"): "took {address} off the mails of the schedule {thing}, who asked for it",
    ("schedule", "subscribed_again"): "let {address} get the mails of the schedule {thing} again",
    ("execution", "retry"): "tried again what had failed in a run of {thing}",
    ("execution", "corrected"): "had a wrong run of {thing} corrected",
    ("execution", "sent"): "sent {thing} to {recipient}: {outcome}",
    ("execution", "suppressed"): "kept {thing} from {recipient}, since the right to send had gone",
    ("execution", "broken_off"): "found a run of {thing} broken off",
    ("execution", "fetched"): "gave the file {filename} of {thing} to whoever opened the link of {recipient}",
    ("report", "created"): "defined the report {thing}",
    ("report", "updated"): "changed the report {thing}",
    ("report", "deleted"): "deleted the report {thing}",
    ("report", "previewed"): "looked at a preview of the report {thing}",
    ("report", "identity_sent"): "told the source of the report {thing} for whom it is made",
    ("connection", "created"): "made the connection {thing}",
    ("connection", "changed"): "changed the connection {thing}",
    ("connection", "deleted"): "deleted the connection {thing}",
    ("connection", "tested"): "sent a test through the connection {thing}: {outcome}",
    ("connection", "checked"): "checked the connection {thing}: {outcome}",
    ("connection", "used"): "used the secrets of the connection {thing}",
    ("connection", "granted"): "changed who may use the connection {thing}",
    ("connection", "disabled"): "disabled the connection {thing}",
    ("connection", "enabled"): "enabled the connection {thing}",
    ("calendar", "created"): "made the calendar {thing}",
    ("calendar", "changed"): "changed the calendar {thing}",
    ("calendar", "deleted"): "deleted the calendar {thing}",
    ("user", "created"): "made the user {thing}",
    ("user", "changed"): "changed the user {thing}",
    ("user", "logged in"): "logged in",
    ("user", "log-in failed"): "refused a log-in",
    ("user", "logged out"): "logged out",
    ("user", "sessions ended"): "ended log-ins of {thing}",
    ("user", "password changed"): "changed the password of {thing}",
    ("user", "link made"): "made a one-time link for {thing}",
    ("user", "identity linked"): "linked {thing} to an account of the identity provider",
    ("team", "created"): "made the team {thing}",
    ("team", "changed"): "changed the team {thing}",
    ("team", "deleted"): "deleted the team {thing}",
    ("key", "created"): "made the key {prefix} for {owner}",
    ("key", "changed"): "changed the key {prefix} of {owner}",
    ("key", "revoked"): "revoked the key {prefix} of {owner}",
    ("artifact", "downloaded"): "downloaded the file {filename}",
    ("stop", "stopped"): "stopped sending",
    ("stop", "resumed"): "let sending go on",
    ("suppression", "added"): "put {address} on the list of those who get nothing",
    ("suppression", "changed"): "changed why {address} gets nothing",
    ("suppression", "removed"): "took {address} off the list of those who get nothing",
    ("recipient", "erased"): "erased a recipient from what is on record",
    ("access", "refused"): "was refused: {permission}",
    ("audit", "trimmed"): "removed entries that are older than is kept",
    ("audit", "checkpoints_set_aside"): "set the checkpoints of the trail aside",
    ("alerts", "tested"): "sent a test of alerts by each route",
    ("secret", "rotated"): "changed the key that encrypts connections",
    ("backup", "made"): "made a backup",
    ("backup", "restored"): "restored a backup",
}
_OUTCOMES = {"ok": "it works", "delivered": "delivered", "unknown": "not confirmed", "refused": "refused"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """Hold what was done. `thing` is the name of the thing between the two parts, and `href` its page; both may be
    empty."""

    before: str
    thing: str
    href: str
    after: str

    @property
    def text(self) -> str:
        """Return the whole of it."""
        return f"{self.before}{self.thing}{self.after}"


def sentence(kind: str, action: str, entity_id: str, name: str, detail: Mapping[str, Any]) -> Sentence:
    """Return what an entry tells, without who did it.

    Args:
        name: what the thing is called; its id where it has no name.
    """
    phrase = _PHRASES.get((kind, action), f"{in_words(action)} {{thing}} ({KINDS.get(kind, in_words(kind))})")
    before, there, after = phrase.partition("{thing}")
    if not there:
        return Sentence(_filled(before, detail), "", "", "")
    page = _PAGES.get(kind, "") if action != "deleted" else ""
    href = f"{page}{quote(entity_id, safe='')}" if page and entity_id else ""
    return Sentence(_filled(before, detail), name, href, _filled(after, detail))


class _Known(string.Formatter):
    """Fills in the members of a detail by their plain names, and no part of them; what is missing is a dash."""

    def get_field(self, field_name: str, args: Any, kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        value = kwargs.get(field_name, "–")
        if field_name == "outcome":
            value = _OUTCOMES.get(str(value), in_words(str(value)))
        elif field_name == "permission":
            value = permission_words(str(value))
        return value, field_name


def _filled(phrase: str, detail: Mapping[str, Any]) -> str:
    return _Known().vformat(phrase, (), detail)


def permission_words(permission: str) -> str:
    """Return a permission such as `schedule.pause` in words, such as "pause a schedule"."""
    kind, _, verb = permission.partition(".")
    if not verb:
        return "something that is not there"
    noun = KINDS.get(kind, in_words(kind))
    return f"{in_words(verb)} {'an' if noun[0] in 'aeio' else 'a'} {noun}"


def in_words(code: str) -> str:
    """Return a code such as `run_now` as words."""
    return code.replace("_", " ").replace("-", " ").strip()


def actions() -> dict[str, str]:
    """Return every action that can be chosen, with its words."""
    return {action: in_words(action) for action in sorted({action for _, action in _PHRASES})}
