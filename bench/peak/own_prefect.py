"""A program that uses the stack's Prefect: it begins again with its settings, as Prefect reads them when imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

_BEGUN = "MAILROOM_BENCH_BEGUN"


def begin_again(module: str, settings: Mapping[str, str]) -> None:
    """Replace this process by `python -m module` with these settings, once."""
    if os.environ.get(_BEGUN) != module:
        os.execve(
            sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], {**os.environ, **settings, _BEGUN: module}
        )
