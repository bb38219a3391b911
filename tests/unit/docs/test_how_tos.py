"""What the how-to guides show is accepted: settings of connections, destinations, schedules."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailroom.connections.kinds import block_type
from mailroom.schedules.spec import read_spec
from prefect_mailroom.channels.registry import CHANNELS

DOCS = Path(__file__).resolve().parents[3] / "docs"
SECRETS = {
    "sas_token": "sv=2024-01-01&ss=b&srt=co&sp=rwdc&se=2099-01-01T00:00:00Z&sig=c2lnbmF0dXJl",
    "service_account_key": json.dumps(
        {
            "type": "service_account",
            "client_email": "mailroom@project.iam.gserviceaccount.com",
            "private_key": "a key that nobody uses here",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    ),
    "signing_secret": "whsec_YmVuY2gtc2lnbmluZy1rZXktb2YtMzItYnl0ZXMtIS0=",
    "url": "https://erp.example.com/hooks",
}
"""Secrets that have a form of their own."""


def block(text: str, language: str) -> str:
    (found,) = re.findall(rf"^   ```{language}\n(.*?)^   ```", text, re.MULTILINE | re.DOTALL)
    return str(found)


def put(settings: dict[str, Any], name: str) -> None:
    *path, last = name.split(".")
    for part in path:
        settings = settings.setdefault(part, {})
    settings[last] = SECRETS.get(last, "a-secret-of-its-own")


@pytest.mark.parametrize("kind", CHANNELS)
def test_five_steps_of_a_channel(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    section = (DOCS / f"channels/{kind}.md").read_text().split("\n## ")[1]
    assert re.findall(r"^(\d)\. ", section, re.MULTILINE) == ["1", "2", "3", "4", "5"]
    settings = yaml.safe_load(block(section, "yaml"))
    commands = re.findall(r"^ *mailroom (connections \w+) (.*)$", section, re.MULTILINE)
    assert [name for name, _ in commands] == ["connections test", "connections create"]
    given = [re.findall(r"--secret ([\w.]+)=@", text) for _, text in commands]
    assert given[0] == given[1], "what was tried is what is kept"
    for name in given[0]:
        put(settings, name)
    block_type(kind)(**settings)
    destination = json.loads(block(section, "json"))
    assert f"connections create {destination['connection']} " in section
    CHANNELS[kind].destination_type.model_validate(destination)


@pytest.mark.parametrize("page", ["from-superset", "from-metabase"])
def test_a_schedule_that_was_moved_is_accepted(page: str) -> None:
    (body,) = re.findall(r"^```json\n(.*?)^```", (DOCS / f"how-to/{page}.md").read_text(), re.MULTILINE | re.DOTALL)
    assert read_spec(json.loads(body)).targets()
