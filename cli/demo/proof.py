"""Checks what arrived at the receiving end: the mail in the catcher, the files in the folder, the signed webhook.

Each check takes the execution as the API tells it and what was really received; it returns one line a file.
"""

from __future__ import annotations

import email
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx

from cli.demo.receiver import Receiver


@dataclass(frozen=True, slots=True)
class Proof:
    """One file at the receiving end. `fault` says why it proves nothing."""

    schedule: str
    due: datetime
    delivered: datetime | None
    where: str
    size: int = 0
    sha256: str = ""
    fault: str = ""

    @property
    def lateness(self) -> float | None:
        """Return the seconds from due to delivered."""
        return (self.delivered - self.due).total_seconds() if self.delivered else None


# Where each file was found -> its size and SHA-256.
Found = dict[str, tuple[int, str]]
Look = Callable[[dict[str, Any]], Found]


def prove(schedule: str, execution: dict[str, Any], look: Look) -> list[Proof]:
    """Compare what was rendered with what each delivery left at the far side.

    Args:
        look: finds what a delivery left; raises `Missing`.
    """
    due = datetime.fromisoformat(execution["due_at"])
    if execution["status"] != "success":
        told = (execution.get("error") or {}).get("message") or execution.get("reason") or "no reason is known"
        return [Proof(schedule, due, None, "-", fault=f"the execution ended as {execution['status']}: {told}")]
    rendered = {artifact["sha256"]: artifact for artifact in execution["artifacts"]}
    proofs = []
    for delivery in execution["deliveries"]:
        delivered = datetime.fromisoformat(delivery["delivered_at"])
        try:
            found = look(delivery)
        except Missing as error:
            proofs.append(Proof(schedule, due, delivered, delivery["recipient"], fault=str(error)))
            continue
        there = {sha256 for _, sha256 in found.values()}
        missing = {artifact["filename"] for sha256, artifact in rendered.items() if sha256 not in there}
        for where, (size, sha256) in found.items():
            strange = sha256 not in rendered or rendered[sha256]["size"] != size
            fault = "its content differs from the rendered file" if strange else ""
            proofs.append(Proof(schedule, due, delivered, where, size, sha256, fault))
        proofs += [Proof(schedule, due, delivered, name, fault="it did not arrive") for name in sorted(missing)]
    return proofs or [Proof(schedule, due, None, "-", fault="nothing was to be delivered")]


class Missing(Exception):
    """The far side has nothing, or something broken."""


def digest(content: bytes) -> tuple[int, str]:
    """Return size and SHA-256."""
    return len(content), hashlib.sha256(content).hexdigest()


def attachments(source: bytes) -> Found:
    """Return the attached files of a mail, by name."""
    message = email.message_from_bytes(source, policy=default)
    assert isinstance(message, EmailMessage)
    found = {}
    for part in message.iter_attachments():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes), "an attachment cannot contain other parts"
        found[part.get_filename() or "unnamed"] = digest(content)
    return found


def look_at_mail(catcher: str) -> Look:
    """Return a look that finds a delivery's mail in the catcher by its Message-ID and reads its attachments."""

    def look(delivery: dict[str, Any]) -> Found:
        wanted = delivery["receipt"]["detail"]["message_id"]
        with httpx.Client(base_url=catcher, timeout=10, trust_env=False) as client:
            for summary in client.get("/api/messages").raise_for_status().json():
                source = client.get(f"/messages/{summary['id']}/source").raise_for_status().content
                if email.message_from_bytes(source, policy=default)["message-id"] == wanted:
                    return {f"mail: {k}": v for k, v in attachments(source).items()}
        raise Missing(f"the mail catcher has no mail {wanted}")

    return look


def look_in_folder(root: Path) -> Look:
    """Return a look that reads the files which a receipt names below `root`."""

    def look(delivery: dict[str, Any]) -> Found:
        found = {}
        for file in delivery["receipt"]["detail"]["files"]:
            path = root / file["path"]
            if not path.is_file():
                raise Missing(f"there is no file {path}")
            found[str(path.relative_to(root))] = digest(path.read_bytes())
        return found

    return look


def look_at_webhook(receiver: Receiver) -> Look:
    """Return a look that finds what the receiver accepted under the delivery's key, its signature right."""

    def look(delivery: dict[str, Any]) -> Found:
        facts = receiver.accepted.get(delivery["receipt"]["reference"])
        if facts is None:
            told = f"; refused: {'; '.join(receiver.refused)}" if receiver.refused else ""
            raise Missing(f"the receiver got no request with a valid signature{told}")
        if facts.get("test") is not True:
            raise Missing("the request is not marked as a test")
        return {f"signed webhook: {f['filename']}": (f["bytes"], f["sha256"]) for f in facts["data"]["files"]}

    return look
