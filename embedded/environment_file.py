"""Read the settings of several Prefect servers from the file that the documentation shows: both are the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from mailroom.settings import CHECKOUT

PREFECT_SERVERS = CHECKOUT / "docs" / "operations" / "prefect-servers.env"


def read(path: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a file of `NAME=value` lines, with `${NAME}` replaced by these values.

    Raises:
        KeyError: a value is missing.
        ValueError: a line is no variable.
    """
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"Line {number} of {path} is no variable.")
        found[name] = Template(value).substitute(values)
    return found
