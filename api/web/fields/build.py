"""Make the fields of a form from a JSON Schema and the data that is in it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from api.web.fields import words
from api.web.fields.schema import Property, Schema, properties
from api.web.parts import Control, Field, Option

MOST_RADIOS = 6
_NO_CHOICE = "None"
Errors = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields that belong together, drawn as a fieldset, or behind a `details` where most people leave them alone.

    Attributes:
        name: flat like the name of a field; the id of the group.
        is_further: whether it is behind a `details`; `is_open`: whether that is open, as with a fault inside.
    """

    name: str
    legend: str
    hint: str = ""
    fields: tuple[Field, ...] = ()
    groups: tuple[FieldGroup, ...] = ()
    is_further: bool = False
    is_open: bool = False

    @property
    def has_errors(self) -> bool:
        """Return whether something within it is wrong."""
        return any(one.errors for one in self.fields) or any(group.has_errors for group in self.groups)


@dataclass(frozen=True, slots=True)
class _Form:
    """Hold what is true of all fields of a form."""

    root: Schema
    errors: Errors
    secrets_set: str
    skip: frozenset[str] = field(default_factory=frozenset)


def build(
    schema: Schema,
    values: Mapping[str, Any],
    *,
    prefix: str,
    legend: str = "",
    errors: Errors | None = None,
    secrets_set: str = "",
    skip: frozenset[str] = frozenset(),
) -> FieldGroup:
    """Return the fields of an object.

    Args:
        schema: of the object; `secret_fields` in it names the secrets, as in the schema of a Prefect block.
        values: what is stored, or what `read.data` made of what was sent; a text that does not fit is shown as it is.
        prefix: what the names begin with, such as `settings`.
        errors: sentences by the name of the field, such as `settings-credentials-password`.
        secrets_set: when the stored secrets were set, such as "3 May 2026"; may be empty.
        skip: properties that have no field.
    """
    form = _Form(schema, errors or {}, secrets_set, skip)
    found = [one for one in properties(schema) if one.name not in skip]
    main = [one for one in found if one.is_required or not _is_further(one)]
    further = [one for one in found if one not in main]
    fields, groups = _drawn(main, values, prefix, "", form)
    if further:
        more = _group(
            f"{prefix}-further", "More settings", "", _drawn(further, values, prefix, "", form), is_further=True
        )
        groups = (*groups, more)
    return FieldGroup(prefix, legend, fields=fields, groups=groups)


def field_of(prop: Property, value: Any, name: str, *, errors: Sequence[str] = (), secrets_set: str = "") -> Field:
    """Return the field of one setting that is no object, with our words where we have some.

    Args:
        value: the stored or sent one; None where there is none.
        name: of the field.
    """
    found = plain_field(
        prop,
        value,
        name,
        label=words.label(prop.name, str(prop.schema.get("title", ""))),
        hint=_said(prop),
        errors=errors,
    )
    options = tuple(
        one if one.label and not one.value else Option(one.value, *words.option(prop.name, one.value, one.label))
        for one in found.options
    )
    hint = _secret_hint(prop, value, secrets_set) if prop.is_secret and value else found.hint
    return replace(found, options=options, hint=hint)


def plain_field(prop: Property, value: Any, name: str, *, label: str, hint: str, errors: Sequence[str] = ()) -> Field:
    """Return the field of one property that is no object, in the words of its schema; its limits are in the hint."""
    control, attributes = _control(prop)
    return Field(
        name=name,
        label=label,
        control=control,
        value="" if prop.is_secret else _shown(prop, value),
        options=_options(prop),
        hint=_hint(prop, hint),
        errors=tuple(errors),
        optional=_is_optional(prop),
        attributes=attributes,
    )


def _said(prop: Property) -> str:
    """Return the hint of a setting; the words for one that may stay empty do not fit where it is needed."""
    described = str(prop.schema.get("description", ""))
    hint = words.hint(prop.name, described, prop.kind)
    return words.hint("", described) if prop.is_required and hint.startswith("Leave it empty") else hint


def _is_further(prop: Property) -> bool:
    named = prop.name in words.FURTHER or f"{prop.name}:{prop.kind}" in words.FURTHER
    return named or (prop.kind == "object" and prop.is_nullable)


def _drawn(
    props: Sequence[Property], values: Mapping[str, Any], prefix: str, at: str, form: _Form
) -> tuple[tuple[Field, ...], tuple[FieldGroup, ...]]:
    fields: list[Field] = []
    groups: list[FieldGroup] = []
    switch = next((one for one in props if any(_decides(one, other) for other in props)), None)
    for prop in props:
        name = f"{prefix}-{prop.name}"
        place = f"{at}.{prop.name}" if at else prop.name
        value = values.get(prop.name, prop.default)
        if prop.kind != "object":
            errors = form.errors.get(name, ())
            drawn = field_of(prop, value, name, errors=errors, secrets_set=form.secrets_set)
            fields.append(replace(drawn, classes=_classes(prop, switch)))
            continue
        inner = value if isinstance(value, Mapping) else {}
        below = _drawn(properties(prop.schema, form.root, place), inner, name, place, form)
        legend = words.label(prop.name, str(prop.schema.get("title", "")))
        hint = words.hint(prop.name, str(prop.schema.get("description", "")))
        if faults := form.errors.get(name):
            hint = " ".join([*faults, hint])
        groups.append(_group(name, legend, hint, below, is_further=prop.is_nullable, is_open=bool(inner or faults)))
    return tuple(fields), tuple(groups)


def _decides(prop: Property, other: Property) -> bool:
    """Tell whether one property decides whether another matters; a choice that is drawn as radios can."""
    return other.only_for is not None and other.only_for[0] == prop.name and 0 < len(prop.choices) <= MOST_RADIOS


def _classes(prop: Property, switch: Property | None) -> str:
    """Return the classes by which a style sheet shows a field for certain choices of another alone.

    They name the places of these choices, since a style sheet cannot compare values. In each group, one field decides.
    """
    if switch is None or prop.only_for is None or prop.only_for[0] != switch.name:
        return "decides" if prop is switch else ""
    places = [place for place, (value, _) in enumerate(switch.choices, start=1) if prop.matters(value)]
    return " ".join(["only", *(f"for-{place}" for place in places)])


def _group(
    name: str,
    legend: str,
    hint: str,
    drawn: tuple[tuple[Field, ...], tuple[FieldGroup, ...]],
    *,
    is_further: bool,
    is_open: bool = False,
) -> FieldGroup:
    group = FieldGroup(name, legend, hint, *drawn, is_further=is_further)
    return FieldGroup(name, legend, hint, *drawn, is_further=is_further, is_open=is_open or group.has_errors)


def _control(prop: Property) -> tuple[Control, dict[str, str]]:
    if prop.is_secret:
        long = prop.kind == "pairs" or prop.name in words.LONG
        return (
            ("textarea", {"autocomplete": "off", "spellcheck": "false"})
            if long
            else (
                "password",
                {"autocomplete": "new-password"},
            )
        )
    match prop.kind:
        case "boolean":
            return "checkbox", {}
        case "choice":
            return ("radios" if len(prop.choices) <= MOST_RADIOS else "select"), {}
        case "integer":
            return "text", {"inputmode": "numeric", "autocomplete": "off"}
        case "number":
            return "text", {"inputmode": "decimal", "autocomplete": "off"}
        case "date":
            return "date", {}
        case "lines" | "numbers" | "pairs" | "json":
            return "textarea", {"spellcheck": "false"}
        case _:
            return ("textarea" if prop.name in words.LONG else "text"), {"autocomplete": "off"}


def _options(prop: Property) -> tuple[Option, ...]:
    found = [Option(text_of(value), title) for value, title in prop.choices]
    if found and not prop.is_required and prop.default is None:
        found.insert(0, Option("", _NO_CHOICE))
    return tuple(found)


def _shown(prop: Property, value: Any) -> str:
    if prop.kind == "boolean":
        return "on" if value in (True, "on") else ""
    if value is None:
        return ""
    if isinstance(value, str):
        return json.dumps(value) if prop.kind == "scalar" and _reads_as_another(value) else value
    if prop.kind in {"lines", "numbers"} and isinstance(value, Sequence):
        return "\n".join(map(text_of, value))
    if prop.kind == "pairs" and isinstance(value, Mapping):
        return "\n".join(f"{name}={one}" for name, one in value.items())
    if prop.kind == "scalar" and isinstance(value, bool):
        return json.dumps(value)
    return json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, Mapping | list) else text_of(value)


def _reads_as_another(text: str) -> bool:
    """Tell whether a text would be read as a number, true, false or null, so that it needs its quotes."""
    try:
        return bool(json.loads(text) != text)
    except (ValueError, RecursionError):
        return False


def text_of(value: Any) -> str:
    """Return a value as a form holds it: a whole number without a point, true and false as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _secret_hint(prop: Property, value: Any, secrets_set: str) -> str:
    since = f"Set on {secrets_set}." if secrets_set else "Set."
    names = f" It has {', '.join(map(str, value))}." if prop.kind == "pairs" and isinstance(value, Mapping) else ""
    return f"{since}{names} Leave it empty to keep it."


def _hint(prop: Property, hint: str) -> str:
    if prop.kind in {"lines", "numbers"} and "one a line" not in hint.lower():
        hint = f"{hint} One a line.".strip()
    if prop.kind == "pairs" and "one a line" not in hint.lower():
        hint = f"{hint} One a line, as name=value.".strip()
    return " ".join(one for one in (hint, _limits(prop.schema)) if one)


def _limits(schema: Schema) -> str:
    """Return the limits of a number as a sentence, '' where it has none."""
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    said = []
    if least is not None and most is not None:
        return f"{_number(least)} to {_number(most)}."
    for limit, what in ((least, "at least"), (above, "more than"), (most, "at most"), (below, "less than")):
        if limit is not None:
            said.append(f"{what} {_number(limit)}")
    if (step := schema.get("multipleOf")) is not None:
        said.append(f"a multiple of {_number(step)}")
    text = ", ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _is_optional(prop: Property) -> bool:
    """Tell whether the field may stay empty; a choice or tick always has an answer."""
    if prop.kind in {"boolean", "choice"} or prop.is_required or prop.only_for is not None:
        return False
    return prop.default in (None, "", [], {})
