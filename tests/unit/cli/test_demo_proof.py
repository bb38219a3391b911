"""The demo proves only what is really there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from cli.demo import plan
from cli.demo.proof import attachments, look_at_webhook, look_in_folder, prove
from cli.demo.receiver import receiving

CONTENT = b"a,b\n1,2\n"
SHA = hashlib.sha256(CONTENT).hexdigest()


def _execution(**changes: Any) -> dict[str, Any]:
    delivery = {
        "recipient": "x",
        "delivered_at": "2026-01-01T09:00:04Z",
        "receipt": {"reference": "key-1", "detail": {"files": [{"path": "a.csv"}]}},
    }
    artifact = {"filename": "a.csv", "size": len(CONTENT), "sha256": SHA}
    given = {"status": "success", "due_at": "2026-01-01T09:00:00Z", "artifacts": [artifact], "deliveries": [delivery]}
    return {**given, **changes}


def test_a_file_that_is_there_is_proved_with_its_lateness(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CONTENT)

    [proof] = prove("s", _execution(), look_in_folder(tmp_path))

    assert (proof.fault, proof.size, proof.sha256, proof.lateness) == ("", len(CONTENT), SHA, 4.0)


def test_a_file_that_was_changed_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CONTENT + b" ")

    assert [proof.fault for proof in prove("s", _execution(), look_in_folder(tmp_path))] == [
        "its content differs from the rendered file",
        "it did not arrive",
    ]


def test_a_missing_file_proves_nothing(tmp_path: Path) -> None:
    [proof] = prove("s", _execution(), look_in_folder(tmp_path))

    assert "there is no file" in proof.fault


@pytest.mark.parametrize("status", ["partial", "failed", "running", "pending", "skipped"])
def test_an_execution_that_did_not_succeed_proves_nothing(tmp_path: Path, status: str) -> None:
    (tmp_path / "a.csv").write_bytes(CONTENT)

    [proof] = prove("s", _execution(status=status), look_in_folder(tmp_path))

    assert status in proof.fault


def test_no_delivery_proves_nothing(tmp_path: Path) -> None:
    [proof] = prove("s", _execution(deliveries=[]), look_in_folder(tmp_path))

    assert proof.fault


def test_attachments_are_read_from_the_mail_itself() -> None:
    message = EmailMessage()
    message.set_content("hello")
    message.add_attachment(CONTENT, maintype="text", subtype="csv", filename="ä.csv")

    assert attachments(message.as_bytes()) == {"ä.csv": (len(CONTENT), SHA)}


def _post(url: str, secret: str, body: str, *, signed_body: str | None = None) -> int:
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("key-1", now, signed_body or body)
    headers = {
        "webhook-id": "key-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return httpx.post(url, content=body, headers=headers, trust_env=False).status_code


BODY = f'{{"test": true, "data": {{"files": [{{"filename": "a.csv", "bytes": {len(CONTENT)}, "sha256": "{SHA}"}}]}}}}'


def test_a_webhook_with_the_right_signature_is_proved() -> None:
    with receiving("127.0.0.1") as receiver:
        assert _post(receiver.url, receiver.secret, BODY) == 204
        [proof] = prove("s", _execution(), look_at_webhook(receiver))

    assert proof.fault == ""


def test_a_webhook_with_a_wrong_signature_proves_nothing() -> None:
    with receiving("127.0.0.1") as receiver:
        assert _post(receiver.url, receiver.secret, BODY, signed_body=BODY + " ") == 401
        [proof] = prove("s", _execution(), look_at_webhook(receiver))

    assert "valid signature" in proof.fault


def test_a_webhook_that_is_not_marked_as_a_test_proves_nothing() -> None:
    with receiving("127.0.0.1") as receiver:
        assert _post(receiver.url, receiver.secret, BODY.replace("true", "false")) == 204
        [proof] = prove("s", _execution(), look_at_webhook(receiver))

    assert "not marked as a test" in proof.fault


@pytest.mark.parametrize("second", range(0, 60, 7))
def test_the_cron_minute_is_full_and_far_enough_but_no_farther(second: int) -> None:
    now = datetime(2026, 1, 31, 23, 59, second, 5, tzinfo=UTC)
    due = plan.due_minute(now)

    assert (due.second, due.microsecond) == (0, 0)
    assert plan.LEAD < due - now <= plan.LEAD + timedelta(minutes=1)
