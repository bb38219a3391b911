"""Hold the example bodies of connections that the documentation shows."""

from __future__ import annotations

SMTP = {
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
