"""The examples of the pages about webhooks, folders and commands are accepted as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mailroom.connections.spec import build
from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.registry import channel_type, destination, destination_type
from prefect_mailroom.channels.webhook.expectation import Expectation

PAGES = Path(__file__).parents[4] / "docs" / "channels"


@pytest.mark.parametrize("page", ["webhook", "folder", "command"])
def test_examples_are_accepted(page: str) -> None:
    found = re.findall(r"^```json\n(.*?)^```", (PAGES / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)
    examples = [json.loads(text) for text in found]
    assert [set(example) & {"kind", "channel"} for example in examples] == [{"kind"}, {"channel"}]
    connection, target = examples
    assert build(connection["kind"], connection["settings"])
    assert destination(target).channel == connection["kind"] == page
    assert target["connection"] == connection["name"]


@pytest.mark.parametrize("page", ["webhook", "folder", "command"])
def test_each_setting_is_explained(page: str) -> None:
    text = (PAGES / f"{page}.md").read_text()
    fields = {*channel_type(page).model_fields, *destination_type(page).model_fields}
    fields -= {*Channel.model_fields, *Destination.model_fields}  # What every channel has is explained elsewhere.
    if page == "webhook":
        fields |= set(Expectation.model_fields)
    assert not [name for name in sorted(fields) if f"`{name}`" not in text]
