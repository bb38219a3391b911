"""Read what a form sent as data that fits a JSON Schema. Pure.

A text that is no number where a number belongs stays a text: whoever validates the data says what is wrong with it, and
the form shows it again as it was typed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from api.web.fields.build import text_of
from api.web.fields.schema import Property, Schema, properties

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE | re.ASCII)
_NOTHING = object()


def data(
    schema: Schema,
    form: Mapping[str, Any],
    *,
    stored: Mapping[str, Any] | None = None,
    skip: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Return the data of an object.

    Args:
        form: what was sent of it, nested; texts, or lists of texts.
        stored: the data as it is shown, with `{"secret": true}` for each secret. One that was left empty stays so.
        skip: properties that the form has no field for.
    """
    found = [one for one in properties(schema) if one.name not in skip]
    return _object(found, form, stored or {}, schema, "")


def value_of(prop: Property, given: Any) -> Any:
    """Return the value of one property that is no object; None for an empty one that may be null.

    Raises:
        KeyError: it was left empty, so that its default holds.
    """
    value = _value(prop, given)
    if value is _NOTHING:
        raise KeyError(prop.name)
    return value


def _object(
    props: list[Property], form: Mapping[str, Any], stored: Mapping[str, Any], root: Schema, at: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for prop in props:
        given, kept = form.get(prop.name), stored.get(prop.name)
        if prop.only_for is not None and not prop.matters(_decided(props, form, prop.only_for[0])):
            continue  # Only what matters for the choice counts; the rest has its default.
        if prop.kind == "object":
            place = f"{at}.{prop.name}" if at else prop.name
            inner = properties(prop.schema, root, place)
            sent = given if isinstance(given, Mapping) else {}
            if prop.is_nullable and not _is_filled(inner, sent):
                found[prop.name] = None
            elif isinstance(given, Mapping):
                found[prop.name] = _object(inner, sent, kept if isinstance(kept, Mapping) else {}, root, place)
            continue
        value = _secret(prop, given, kept) if prop.is_secret else _value(prop, given)
        if value is not _NOTHING:
            found[prop.name] = value
    return found


def _decided(props: list[Property], form: Mapping[str, Any], name: str) -> object:
    """Return the value of the property that decides which others matter."""
    prop = next((one for one in props if one.name == name), None)
    return _text(form.get(name)) or (text_of(prop.default) if prop is not None else "")


def _is_filled(props: list[Property], sent: Mapping[str, Any]) -> bool:
    """Tell whether an object that may be left out was filled in: something that it cannot be without is there."""
    needed = [one for one in props if one.is_required] or props
    return any(_text(sent.get(one.name)).strip() for one in needed)


def _secret(prop: Property, given: Any, kept: Any) -> Any:
    text = _text(given)
    if not text.strip():
        return kept or _NOTHING
    return _pairs(text) if prop.kind == "pairs" else text


def _pairs(text: str) -> Any:
    """Return lines of name=value as an object; a text with another line stays one, to be refused as it was typed."""
    pairs = [line.partition("=") for line in text.split("\n") if line.strip()]
    return {name.strip(): value for name, _, value in pairs} if all(mark for _, mark, _ in pairs) else text


def _value(prop: Property, given: Any) -> Any:
    if prop.kind == "boolean":
        return _text(given) == "on"
    if given is None:
        return _NOTHING
    text = _text(given)
    if prop.kind in {"lines", "numbers"}:
        return _items(prop, given)
    if prop.kind == "pairs":
        return _pairs(text)
    if not text.strip():
        if prop.is_nullable:
            return None
        # An empty text is a value of its own where the setting can do without; else the refusal says it is missing.
        return "" if prop.kind == "text" and not prop.is_required else _NOTHING
    return _typed(prop, text)


def _typed(prop: Property, text: str) -> Any:
    match prop.kind:
        case "choice":
            return next((value for value, _ in prop.choices if text_of(value) == text), text)
        case "integer" | "number":
            return _number(text.strip())
        case "json" | "scalar":
            return _json(text)
        case "date" | "date-time":
            return text.strip()
        case _:
            return text


def _items(prop: Property, given: Any) -> list[Any]:
    lines = given if isinstance(given, list) else _text(given).split("\n")
    found = [line.strip() for line in lines if line.strip()]
    return found if prop.kind == "lines" else [_number(one) for one in found]


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _text(given: Any) -> str:
    """Return what was sent as a text with plain line breaks; of several values of one name, the last."""
    if isinstance(given, list):
        given = given[-1] if given else ""
    return given.replace("\r\n", "\n") if isinstance(given, str) else ""
