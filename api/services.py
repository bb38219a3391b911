"""Hold what a process works with. `create_app` makes it once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from deployments.reconcile import Reconciler
from mailroom.settings import Settings
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database


@dataclass(frozen=True)
class Services:
    """The services of a process, made by `create_app`. `previews` limits how many previews are rendered at once."""

    settings: Settings
    database: Database
    reconciler: Reconciler
    store: ArtifactStore
    previews: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
