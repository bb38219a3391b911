"""Ask whether a process of the stack can be used."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from redis import Redis, RedisError

from bench.scale.stack.unit import Unit


def to_http(address: str, path: str) -> Callable[[], bool]:
    """Return the question whether a server answers."""

    def ask() -> bool:
        try:
            return httpx.get(f"http://{address}{path}", timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False  # Not yet.

    return ask


def on_docket(unit: Unit, docket: str) -> Callable[[], bool]:
    """Services say nothing of themselves; the docket lists who works on it, by host and process id."""

    def ask() -> bool:
        with Redis.from_url(docket, socket_timeout=2) as client:
            try:
                workers = client.zrange("prefect:workers", 0, -1)
            except RedisError:
                return False  # Not yet.
        return any(bytes(name).decode().endswith(f"#{unit.pid}") for name in workers)

    return ask
