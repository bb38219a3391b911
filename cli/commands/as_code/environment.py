"""Take the secrets that documents refer to out of the environment. They are sent beside the documents. Pure.

`{from_env: NAME}` names its variable. For `{secret: true}`, as exports have it, the variable is made of the connection
and the place: `MAILROOM_CONNECTION_CORP_SMTP_CREDENTIALS_PASSWORD`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.commands.as_code.files import Problem, Source


def secrets_of(
    sources: Sequence[Source], environment: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Return the secrets by connection and dotted place, and a notice for each variable that is not set."""
    found: dict[str, dict[str, str]] = {}
    notices = []
    for source in sources:
        spec = source.data.get("spec")
        settings = spec.get("settings") if isinstance(spec, Mapping) else None
        if source.data.get("kind") != "connection" or not isinstance(settings, Mapping):
            continue
        connection = str(source.data.get("name"))
        for place, named in _references(settings):
            name = named or variable_of(connection, place)
            if value := environment.get(name):
                found.setdefault(connection, {})[place] = value
            elif named:
                message = f"The environment variable {name} is not set."
                remedy = "A secret that is stored already stays; without one, the connection needs it before it works."
                notices.append(Problem(source.at(f"spec.settings.{place}"), message, remedy))
    return found, notices


def variable_of(connection: str, place: str) -> str:
    """Return the variable of a secret whose document names none."""
    return "MAILROOM_CONNECTION_" + re.sub(r"[^A-Z0-9]+", "_", f"{connection}_{place}".upper())


def _references(value: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Yield each place that refers to a secret, with the variable that it names, if it does."""
    for key, below in value.items():
        here = f"{place}.{key}" if place else str(key)
        if isinstance(below, Mapping):
            name = below.get("from_env")
            if isinstance(name, str) and len(below) == 1:
                yield here, name
            elif below == {"secret": True}:
                yield here, ""
            else:
                yield from _references(below, here)
