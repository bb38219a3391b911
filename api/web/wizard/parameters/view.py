"""Make the step about the report's data: its fields, and what they mean for the next runs. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from api.actions.distribution.written import Situation
from api.web import forms
from api.web.conditions import form as conditions
from api.web.conditions.form import ConditionFields
from api.web.conditions.past import Past
from api.web.fields.said import label_of
from api.web.fields.schema import Property, properties
from api.web.parts import Field, Moment
from api.web.when import When, duration, zone_of
from api.web.wizard.parameters import form
from api.web.wizard.parameters.dates import DateField
from mailroom.errors import Fault
from mailroom.rendering.document.filters import bounds_of, filters_of
from mailroom.reports.parameters import ParametersInvalid, resolve_parameters
from mailroom.reports.spec import ReportDefinition


@dataclass(frozen=True, slots=True)
class RunValues:
    """Hold what runs show one after the other: their due times, and each value with its label."""

    dues: tuple[Moment, ...]
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Hold what the entries mean: the next runs, or why nothing can be said; `warning` is what is odd about them.

    `past` says what the condition would have meant for past runs of the schedule that is changed.
    """

    runs: tuple[RunValues, ...] = ()
    faults: tuple[str, ...] = ()
    warning: str = ""
    is_now: bool = False
    past: Past | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """The report with today's data, in a frame; or why it cannot be shown."""

    source: str = ""
    took: str = ""
    fault: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ParametersView:
    """The form of the step."""

    fields: tuple[Field | DateField, ...]
    condition: ConditionFields
    zone: str
    title: str
    version: str


def parameters_view(
    definition: ReportDefinition,
    value: Mapping[str, Any],
    zone: str,
    errors: Mapping[str, tuple[str, ...]],
    columns: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> ParametersView:
    """Return the fields of the step.

    Args:
        value: of the part: `parameters` and `condition`.
        zone: of the schedule.
        errors: by the names of the fields.
        columns: the names of each query's columns, as far as they are known.
    """
    given = value.get("parameters")
    return ParametersView(
        fields=form.fields(definition.parameters, given if isinstance(given, Mapping) else {}, zone, errors),
        condition=conditions.fields(value.get("condition"), definition, columns, errors),
        zone=zone,
        title=definition.title,
        version=definition.version,
    )


def panel(found: Situation, parameters: Mapping[str, Any], when: When, *, is_now: bool) -> Panel:
    """Return what the parameters are at the next due times.

    Args:
        is_now: whether nobody has said yet when it runs, so that the due time is the present.
    """
    runs: list[RunValues] = []
    warning = ""
    for due in found.due:
        try:
            values = resolve_parameters(found.definition.parameters, parameters, due.at, found.timezone)
        except ParametersInvalid as error:
            faults = [Fault(f"{form.PREFIX}.{one.field}", one.message) for one in error.problems]
            say = say_in(found.definition)
            return Panel(faults=tuple(dict.fromkeys(say(one) for one in faults)), is_now=is_now)
        shown = tuple(filters_of(found.definition, values, zone_of(found.timezone)))
        moment = when.moment(due.at, found.timezone)
        if runs and runs[-1].values == shown:
            runs[-1] = RunValues((*runs[-1].dues, moment), shown)
        else:
            runs.append(RunValues((moment,), shown))
        warning = warning or _reversed(found.definition, values)
    return Panel(tuple(runs), warning=warning, is_now=is_now)


def _reversed(definition: ReportDefinition, values: Mapping[str, Any]) -> str:
    """Return what to say where the period ends before it begins, '' where it does not."""
    bounds = [name for name in bounds_of(definition) if isinstance(values.get(name), str)]
    if len(bounds) != 2 or values[bounds[1]] >= values[bounds[0]]:
        return ""
    labels = {one.name: label_of(one) for one in properties(definition.parameters)}
    first, last = (labels.get(name, name) for name in bounds)
    return f"{last} is before {first}, so the report has no data."


def say_in(definition: ReportDefinition) -> Callable[[Fault], str]:
    """Return what says in the words of its field what is wrong with a parameter."""
    known = {one.name: one for one in properties(definition.parameters)}

    def say(fault: Fault) -> str:
        if words := conditions.say(fault):
            return words
        prop = known.get(fault.field.removeprefix(f"{form.PREFIX}."))
        return forms.sentence(fault) if prop is None else _words(prop, fault)

    return say


def _words(prop: Property, fault: Fault) -> str:
    label = label_of(prop)
    if prop.choices:
        return f"{label}: choose one of {_listed([title for _, title in prop.choices])}."
    if prop.kind == "date":
        return f"{label}: enter a date, such as 31 Jan 2026, or choose one from the list."
    if prop.kind == "date-time":
        return f"{label}: enter a date with its time, or choose one from the list."
    if fault.message.startswith("is missing"):
        return f"{label}: enter a value."
    if prop.kind in {"integer", "number"}:
        limits = _limits(prop.schema)
        return f"{label}: enter a {'whole ' if prop.kind == 'integer' else ''}number{limits}."
    return f"{label}: {forms.sentence(fault)}"


def _limits(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" from {least:,} to {most:,}"
    if least is not None:
        return f" of at least {least:,}"
    return f" of at most {most:,}" if most is not None else ""


def _listed(titles: Sequence[str], most: int = 12) -> str:
    return ", ".join(titles[:most]) + (", …" if len(titles) > most else "")


def place(fault: Fault) -> str:
    """Return the name of the field that a fault of this step is about."""
    return forms.flat(fault.field)


def target(view: ParametersView) -> Callable[[Fault], str]:
    """Return what says to which control a fault leads; of a date, that is the first way to say it."""
    dates = {one.name for one in view.fields if isinstance(one, DateField)}

    def control(fault: Fault) -> str:
        name = place(fault)
        return f"{name}-how" if name in dates else name

    return control


def frame_source(draft_id: str, parameters: Mapping[str, Any]) -> str:
    """Return the address of the report with these parameters."""
    text = json.dumps(parameters, ensure_ascii=False, sort_keys=True)
    return f"/drafts/{draft_id}/parameters/data?{urlencode({'parameters': text})}"


def shown(draft_id: str, parameters: Mapping[str, Any], seconds: float) -> Shown:
    """Return the frame with the report."""
    return Shown(source=frame_source(draft_id, parameters), took=duration(seconds))
