"""Hold what a process works with. `create_app` makes it once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cachetools import TTLCache

from deployments.reconcile import Reconciler
from deployments.watched_loop import WatchedLoop
from mailroom.access.oidc.provider import Provider
from mailroom.connections.under_way import UnderWay
from mailroom.members.passwords import Passwords
from mailroom.rendering.first_page.painter import Painter
from mailroom.settings import Settings
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database
from mailroom.storage.hosts.clock import local_time
from mailroom.watching.figures.cache import Snapshots
from mailroom.watching.signs.prefect import Probe

READ_ONLY_SECONDS = 2.0
"""For how long pages believe what they have read of the switch for reading only; changes ask anew."""


@dataclass(frozen=True)
class Services:
    """The services of a process, made by `create_app`. `loops` work in its background; `previews` limits how many
    previews are rendered at once; `provider` is the identity provider, `passwords` computes their hashes; `probe` asks
    Prefect how it is; `painter`
    makes the pictures of reports; `under_way` are checks and tests that take long; `shown` keeps for a moment what a
    preview has rendered, so that the frame on its page does not render it again; `snapshots` keeps the last figures,
    `read_only` for a moment why nothing can be changed.
    `clock` tells the time of a request; `ending` is set when the process is about to end."""

    settings: Settings
    database: Database
    reconciler: Reconciler
    store: ArtifactStore
    loops: Sequence[WatchedLoop]
    provider: Provider
    probe: Probe
    passwords: Passwords = field(default_factory=Passwords)
    painter: Painter = field(default_factory=Painter)
    under_way: UnderWay = field(default_factory=UnderWay)
    shown: TTLCache[tuple[str, ...], bytes] = field(default_factory=lambda: TTLCache(64_000_000, 300, getsizeof=len))
    snapshots: Snapshots = field(default_factory=Snapshots)
    read_only: TTLCache[str, str] = field(default_factory=lambda: TTLCache(1, READ_ONLY_SECONDS))
    previews: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    clock: Callable[[], datetime] = local_time
    ending: asyncio.Event = field(default_factory=asyncio.Event)
