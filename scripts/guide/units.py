"""Read systemd's unit files, and start what they start without systemd: by the same command, account and variables."""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "deploy/systemd"
SERVICES = sorted(path.name for path in FOLDER.glob("*.service"))


@dataclass(frozen=True)
class Unit:
    """One unit; `lines` are its settings in their order, with the instance put in."""

    name: str
    lines: tuple[tuple[str, str], ...]

    def every(self, key: str) -> list[str]:
        return [value for name, value in self.lines if name == key]

    def last(self, key: str) -> str:
        return (self.every(key) or [""])[-1]

    def command(self) -> list[str]:
        """Return the words of what it starts."""
        return [word.replace("%%", "%") for word in shlex.split(self.last("ExecStart"))]

    def credentials(self) -> dict[str, str]:
        """Return the secrets that it is given: names, and the files that they come from."""
        return dict(pair.split(":", 1) for pair in self.every("LoadCredential"))

    def environment(self, place: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that it sets; `place` says what %d and %S are."""
        made: dict[str, str] = {}
        for path in self.every("EnvironmentFile"):
            made |= settings_of(Path(path).read_text())
        for text in self.every("Environment"):
            for pair in shlex.split(text):
                key, _, value = pair.partition("=")
                made[key] = value.replace("%d", place["%d"]).replace("%S", place["%S"])
        return made


def settings_of(text: str) -> dict[str, str]:
    """Return the variables of an environment file as systemd reads it."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#;")
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def read(name: str, folder: Path = FOLDER) -> Unit:
    """Return the unit of this name, which may have an instance, such as mailroom-api@8080.service."""
    base, at, rest = name.partition("@")
    instance = rest.removesuffix(".service")
    text = (folder / (f"{base}@.service" if at else name)).read_text()
    # A doubled sign stands for one, and is left to whoever reads the words.
    values = {"%i": instance, "%H": socket.gethostname(), "%%": "%%"}
    text = re.sub("%[iH%]", lambda found: values[found[0]], text)
    return Unit(name, tuple(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)))
