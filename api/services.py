"""Hold what a process works with. `create_app` makes it once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deployments.reconcile import Reconciler
from deployments.watched_loop import WatchedLoop
from mailroom.access.oidc.provider import Provider
from mailroom.members.passwords import Passwords
from mailroom.settings import Settings
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """The services of a process, made by `create_app`. `loops` work in its background; `previews` limits how many
    previews are rendered at once; `provider` is the identity provider, `passwords` computes their hashes,
    `clock` tells the time of a request."""

    settings: Settings
    database: Database
    reconciler: Reconciler
    store: ArtifactStore
    loops: Sequence[WatchedLoop]
    provider: Provider
    passwords: Passwords = field(default_factory=Passwords)
    previews: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    clock: Callable[[], datetime] = _now
