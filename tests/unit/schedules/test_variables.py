"""Which variables of texts and paths are refused before anything is delivered."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.variables import template_faults
from prefect_mailroom.channels.registry import destination

PROPERTIES: dict[str, Any] = {
    "since": {"type": "string", "format": "date", "default": "start_of_month"},
    "until": {"type": "string", "format": "date", "default": "today"},
    "region": {"type": "string"},
    "least": {"type": "integer", "default": 3},
    "share": {"type": "number", "default": 0.5},
    "all": {"type": "boolean", "default": True},
    "note": {"type": ["string", "null"]},
}


def _definition(**changes: Any) -> ReportDefinition:
    parameters = {"type": "object", "properties": PROPERTIES, "required": ["region"]}
    source = {"kind": "sql", "connection": "db", "queries": {"rows": "SELECT 1"}}
    data = {"id": "sales", "title": "Sales", "source": source, "parameters": parameters, "formats": ["csv"], **changes}
    return ReportDefinition.model_validate(data)


def _refused(setting: str, template: str, *, parameters: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    mail = {"channel": "email", "connection": "smtp", "to": ["ada@example.com"]}
    chosen = {**mail, setting: template} if setting != "path" else {"channel": "folder", "connection": "f"}
    target = destination({**chosen, setting: template})
    given = {"region": "EMEA"} if parameters is None else parameters
    return [fault.field for fault in template_faults([target], _definition(**changes), given, "Europe/Berlin")]


@pytest.mark.parametrize(
    ("setting", "template"),
    [
        ("subject", "{report_name} {date:%Y} {time} {due} {schedule_name} {execution_id} {report_slug}"),
        ("subject", "{param_region} {param_least:03d} {param_since}"),
        ("text", "From {window_from:%d.%m.} to {window_to}"),
        ("path", "{file_name}"),
        ("path", "{window_from:%Y}/{param_region}/{report_slug}-{format}.{ext}"),
    ],
)
def test_what_has_a_value_is_taken(setting: str, template: str) -> None:
    assert _refused(setting, template, data_window="since..until") == []


@pytest.mark.parametrize(
    ("setting", "template"),
    [
        ("subject", "{ext}"),
        ("text", "{file_name}"),
        ("text", "{format}"),
        ("subject", "{param_share}"),
        ("subject", "{param_all}"),
        ("text", "{param_note}"),
        ("subject", "{param_since:%Y}"),
        ("path", "{param_colour}.{ext}"),
    ],
)
def test_what_has_none_or_does_not_take_its_format_is_refused(setting: str, template: str) -> None:
    assert _refused(setting, template, data_window="since..until") == [f"destinations.0.{setting}"]


@pytest.mark.parametrize("data_window", [None, "since", "since..region"])
def test_a_window_needs_two_days(data_window: str | None) -> None:
    assert _refused("subject", "{window_from}", data_window=data_window) == ["destinations.0.subject"]


def test_while_parameters_are_missing_only_unknown_ones_are_refused() -> None:
    """A form that is half filled in says what it knows; the missing parameter is a fault of its own when saved."""
    assert _refused("subject", "{param_region:03d} {param_since:%Y}", parameters={}) == []
    assert _refused("subject", "{param_colour}", parameters={}) == ["destinations.0.subject"]
    assert _refused("subject", "{window_from}", parameters={}) == ["destinations.0.subject"]
