"""Read deploy/Dockerfile: its stages, each with its instructions. Pure; what Docker knows beyond that is refused."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

_KNOWN = {"ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "LABEL", "VOLUME", "USER", "EXPOSE"}
_KNOWN |= {"HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT", "CMD"}


@dataclass
class Stage:
    """One stage: the image it begins with, its name, and its instructions in their order."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        """Return the argument of the last such instruction, empty where there is none."""
        return next((text for name, text in reversed(self.steps) if name == instruction), "")

    def command(self, instruction: str) -> list[str]:
        """Return the words of ENTRYPOINT, CMD or HEALTHCHECK, which are written as JSON."""
        found = re.search(r"\[.*\]", self.last(instruction))
        return [str(word) for word in json.loads(found.group())] if found else []

    def environment(self, given: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables that the stage sets, over those that are given."""
        made = dict(given or {})
        for name, text in self.steps:
            if name == "ENV":
                for pair in shlex.split(text):
                    key, _, value = pair.partition("=")
                    made[key] = _with_variables(value, made)
        return made


def read(text: str) -> list[Stage]:
    """Return the stages.

    Raises:
        ValueError: an instruction that this does not know.
    """
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for line in _lines(text):
        instruction, _, rest = line.partition(" ")
        if instruction not in _KNOWN:
            raise ValueError(f"{instruction} is not known here.")
        if instruction == "ARG" and not stages:
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(_with_variables(base.strip(), arguments), name.strip()))
        else:
            stages[-1].steps.append((instruction, rest.strip()))
    return stages


def _lines(text: str) -> list[str]:
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [line.strip() for line in re.sub(r"\\\n\s*", " ", kept).splitlines() if line.strip()]


def _with_variables(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], ""), text)
