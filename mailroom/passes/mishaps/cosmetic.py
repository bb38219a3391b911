"""Shelter a pass from work that is only for show, such as a run's readable name: its failure decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mailroom.storage.database import new_id

_LOG = logging.getLogger(__name__)


@contextmanager
def cosmetic(what: str, execution_id: str) -> Iterator[None]:
    """Go on after the block whatever error ends it; the error is logged with an id.

    Args:
        what: what the block does, as the subject of a sentence.
    """
    try:
        yield
    except Exception:
        _LOG.exception("%s failed for execution %s (error %s); nothing depends on it.", what, execution_id, new_id())
