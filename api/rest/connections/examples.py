"""Hold the example bodies of connections that the documentation shows."""

from __future__ import annotations

from typing import Any

SMTP: dict[str, Any] = {
    "kind": "email",
    "description": "The company's mail server",
    "settings": {
        "credentials": {
            "smtp_server": "smtp.example.com",
            "smtp_port": 587,
            "smtp_type": "STARTTLS",
            "username": "reports@example.com",
            "password": "…",
        },
        "from_address": "reports@example.com",
        "retries": {"delays": [30, 300, 1800, 7200], "then_every": 7200},
    },
}
FOLDER = {"kind": "folder", "description": "", "settings": {"root": "/srv/reports"}}
_KEPT = {**SMTP["settings"]["credentials"], "password": {"secret": True}}
KEPT_SMTP = {**SMTP, "settings": {**SMTP["settings"], "from_name": "Reports", "credentials": _KEPT}}
CHANGED_SMTP = {**KEPT_SMTP, "connection": "corp-smtp"}
BUCKET = {"kind": "s3", "settings": {"identity": "machine", "region": "eu-central-1"}}
