"""Make the settings of a connection from what a command line says. A secret never stands in an argument."""

from __future__ import annotations

import copy
import getpass
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prefect_mailroom.errors import MailroomError

_HOW = "Write --secret {name}=@FILE, or --secret {name} to be asked for it."


def merged(
    settings: Mapping[str, Any], schema: Mapping[str, Any], *, given: Iterable[str], secrets: Iterable[str]
) -> dict[str, Any]:
    """Return settings with those of the command line put in.

    Args:
        schema: the JSON Schema of the kind, as the API lists it.
        given: `name=value` each; the name is dotted where a setting lies within another.
        secrets: `name=@file` or `name` each.

    Raises:
        MailroomError: one cannot be read, or a secret was written out.
    """
    result = copy.deepcopy(dict(settings))
    for one in given:
        name, equals, text = one.partition("=")
        if not equals:
            raise MailroomError(f"--set {one[:60]} has no value.", remedy="Write --set NAME=VALUE.")
        if is_secret(schema, name):
            # The value is not repeated: it may be the secret.
            message = f"'{name}' is a secret, and arguments can be seen by everybody on this machine."
            raise MailroomError(message, remedy=_HOW.format(name=name))
        _put(result, name, value_of(schema, name, text))
    for one in secrets:
        name, _, source = one.partition("=")
        _put(result, name, secret_from(name, source))
    return result


def is_secret(schema: Mapping[str, Any], name: str) -> bool:
    """Tell whether a setting is a secret of its kind, or a part of one. Pure."""
    fields = [one.removesuffix(".*") for one in schema.get("secret_fields") or []]
    return any(name == one or name.startswith(f"{one}.") for one in fields)


def value_of(schema: Mapping[str, Any], name: str, text: str) -> Any:
    """Return a value as its setting takes it: text where the setting takes text, else what it is as JSON. Pure."""
    types = _types(schema, _property(schema, name))
    if text == "null" and "null" in types:
        return None
    if "string" in types:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # The API says what is wrong with it.


def secret_from(name: str, source: str) -> str:
    """Return a secret from a file (`@path`), or from who sits at the terminal.

    Raises:
        MailroomError: it was written out, the file cannot be read, or there is no terminal.
    """
    if source.startswith("@"):
        try:
            return Path(source[1:]).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise MailroomError(f"The file {source[1:]} cannot be read: {type(error).__name__}.") from error
    if source:
        message = f"The secret '{name}' was written out, and arguments can be seen by everybody on this machine."
        raise MailroomError(message, remedy=_HOW.format(name=name))
    if not sys.stdin.isatty():
        remedy = f"Write --secret {name}=@FILE."
        raise MailroomError(f"There is no terminal to ask for '{name}' at.", remedy=remedy)
    return getpass.getpass(f"{name}: ")


def _put(settings: dict[str, Any], name: str, value: Any) -> None:
    *inner, last = name.split(".")
    for part in inner:
        below = settings.get(part)
        settings[part] = below if isinstance(below, dict) else {}
        settings = settings[part]
    settings[last] = value


def _property(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema
    for part in name.split("."):
        found = next(
            (one["properties"][part] for one in _forms(schema, found) if part in one.get("properties", {})), {}
        )
    return found


def _forms(schema: Mapping[str, Any], part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a schema itself and everything that it may be instead."""
    found = [part]
    for reference in [part, *(part.get("anyOf") or []), *(part.get("allOf") or [])]:
        if "$ref" in reference:
            _, where, name = reference["$ref"].rsplit("/", 2)
            found.append(schema.get(where, {}).get(name, {}))
        elif reference is not part:
            found.append(reference)
    return found


def _types(schema: Mapping[str, Any], part: Mapping[str, Any]) -> set[str]:
    return {one["type"] for one in _forms(schema, part) if isinstance(one.get("type"), str)}
