"""A program that uses the stack's Prefect: it begins again with its settings, as Prefect reads them when imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def begin_again(module: str, settings: Mapping[str, str]) -> None:
    """Replace this process by `python -m module` with these settings, unless it has them."""
    if any(os.environ.get(name) != value for name, value in settings.items()):
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], {**os.environ, **settings})
