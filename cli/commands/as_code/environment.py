"""Take the secrets that documents refer to out of the environment. They are sent beside the documents. Pure."""

from __future__ import annotations

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
        for place, name in _references(settings):
            if value := environment.get(name):
                found.setdefault(str(source.data.get("name")), {})[place] = value
            else:
                message = f"The environment variable {name} is not set."
                remedy = "A secret that is stored already stays; without one, the connection needs it before it works."
                notices.append(Problem(source.at(f"spec.settings.{place}"), message, remedy))
    return found, notices


def _references(value: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for key, below in value.items():
        here = f"{place}.{key}" if place else str(key)
        if isinstance(below, Mapping):
            name = below.get("from_env")
            if isinstance(name, str) and len(below) == 1:
                yield here, name
            else:
                yield from _references(below, here)
