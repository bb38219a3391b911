"""Say in words which data a report shows: its period and its other parameters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.rendering.document import values
from mailroom.reports.parameters import choices
from mailroom.reports.spec import Column, ReportDefinition

PERIOD = "Period"


def bounds_of(definition: ReportDefinition) -> list[str]:
    """Return the names of the parameters that bound the data; none where the report has no window."""
    return definition.data_window.split("..") if definition.data_window else []


def filters_of(definition: ReportDefinition, parameters: Mapping[str, Any], zone: ZoneInfo) -> list[tuple[str, str]]:
    """Return (label, value) pairs, the period first.

    Args:
        parameters: the final values, with relative dates resolved. A bound of the window without one is left out.
    """
    bounds = bounds_of(definition)
    ends = [parameter_text(parameters[name], zone) for name in bounds if name in parameters]
    found = [(PERIOD, " \u2013 ".join(dict.fromkeys(ends)))] if ends else []
    schema = definition.parameters.get("properties", {})
    for name, value in parameters.items():
        if name not in bounds and value not in (None, ""):
            prop = schema.get(name, {})
            label = prop.get("title") or name.replace("_", " ").capitalize()
            titles = [title for choice, title in choices(prop) if choice == value and title != str(choice)]
            found.append((str(label), titles[0] if titles else parameter_text(value, zone)))
    return found


def parameter_text(value: Any, zone: ZoneInfo) -> str:
    """Return a parameter's value as a reader sees it."""
    if isinstance(value, list):
        return ", ".join(parameter_text(item, zone) for item in value)
    return values.shown(value, Column(name="value", format="datetime"), zone)
