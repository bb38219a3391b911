"""Check that each variable of a schedule's texts and paths has a value at every delivery, of its format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mailroom.errors import Fault
from mailroom.reports.dates import window_days
from mailroom.reports.parameters import ParametersInvalid, resolve_parameters
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.channels.base import Destination
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.formats import Kind, kind_of
from prefect_mailroom.text.variables import (
    FILE_NAMES,
    KNOWN,
    PARAMETER_PREFIX,
    WINDOW_NAMES,
    check_values,
    parameter_names,
)

# No occurrence exists yet; the values of any due time are of the same kinds.
_SAMPLE_DUE = datetime(2024, 2, 29, 12, tzinfo=UTC)


def template_faults(
    targets: Sequence[Destination], definition: ReportDefinition, parameters: Mapping[str, Any], timezone: str
) -> list[Fault]:
    """Return a fault for each text or path of the destinations that could not be expanded at any delivery.

    Args:
        parameters: of the schedule, without defaults. Where they are wrong or not complete, which is a fault of its
            own, no variable of a parameter that the report has is refused.
    """
    kinds = _kinds(definition, parameters, timezone)
    declared = definition.parameters.get("properties", {})
    faults = []
    for index, target in enumerate(targets):
        of_files = target.templates_of_files()
        for field, template in target.templates().items():
            place = f"destinations.{index}.{field}"
            if unknown := list(_unknown(template, declared)):
                faults += [_no_such_parameter(place, name, declared) for name in unknown]
                continue
            known = kinds if field in of_files else {name: kinds[name] for name in kinds if name not in FILE_NAMES}
            try:
                check_values(template, known, field=field)
            except ConfigurationError as error:
                faults.append(Fault(place, error.message, error.remedy))
    return faults


def _unknown(template: str, declared: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in parameter_names(template) if name.removeprefix(PARAMETER_PREFIX) not in declared)


def _no_such_parameter(place: str, name: str, declared: Mapping[str, Any]) -> Fault:
    message = f"uses {{{name}}}, and the report has no such parameter."
    return Fault(place, message, f"It has: {', '.join(declared) or 'none'}.")


def _kinds(definition: ReportDefinition, parameters: Mapping[str, Any], timezone: str) -> dict[str, Kind]:
    """Return the kind of each variable that has a value at every delivery."""
    try:
        values = resolve_parameters(definition.parameters, dict(parameters), _SAMPLE_DUE, timezone)
    except ParametersInvalid:
        declared = definition.parameters.get("properties", {})
        found: dict[str, Kind] = {f"{PARAMETER_PREFIX}{name}": "any" for name in declared}
        has_window = definition.data_window is not None and definition.data_window.count("..") == 1
    else:
        # A delivery's texts take texts and whole numbers.
        found = {
            f"{PARAMETER_PREFIX}{name}": kind_of(value)
            for name, value in values.items()
            if isinstance(value, str | int) and not isinstance(value, bool)
        }
        has_window = all(window_days(definition.data_window, values))
    fixed = {name: kind for name, kind in KNOWN.items() if has_window or name not in WINDOW_NAMES}
    return {**fixed, **found}
