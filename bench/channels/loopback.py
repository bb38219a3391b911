"""Let the channels of a bench reach this machine, as an operator does who lists it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from prefect_mailroom import outbound


@contextmanager
def loopback_opened() -> Iterator[None]:
    """Open loopback while the block runs."""
    before = os.environ.get(outbound.VARIABLE)
    os.environ[outbound.VARIABLE] = "127.0.0.1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[outbound.VARIABLE]
        else:
            os.environ[outbound.VARIABLE] = before
