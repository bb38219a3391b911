"""Asks after a kill whether things of that kind go on, and whether the killed process is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from bench.peak.sink import Sink
from bench.scale import work
from bench.scale.stack.whole import Whole

_LOOK_EVERY = 0.2
_GIVE_UP = 300.0
_ASK_SECONDS = 5.0


@dataclass
class Kill:
    """One kill; seconds are None until it is known.

    Attributes:
        name: of the unit; where a child was killed, of its worker.
        after_s: when it was, in seconds after the due minute.
        go_on_s: until the next answer, rendering or delivery of that kind.
        back_s: until the killed process itself can be used again.
    """

    kind: str
    name: str
    at: float
    after_s: float
    go_on_s: float | None = None
    back_s: float | None = None


@dataclass
class Probes:
    """Looks after each kill in threads of its own."""

    whole: Whole
    sink: Sink
    prefix: str
    _threads: list[threading.Thread] = field(default_factory=list)
    _planned: int = 0

    def follow(self, kill: Kill, is_back: Callable[[], bool] | None) -> None:
        """Measure how long it takes until things go on after this kill, without waiting for it.

        Args:
            is_back: tells whether what was killed can be used again; None where that is not asked.
        """

        def set_go_on(seconds: float) -> None:
            kill.go_on_s = seconds

        def set_back(seconds: float) -> None:
            kill.back_s = seconds

        self._watch(kill, self._of(kill), set_go_on)
        if is_back is not None:
            self._watch(kill, is_back, set_back)

    def finish(self, seconds: float) -> None:
        """Wait so long at most for what is still looked after."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _watch(self, kill: Kill, look: Callable[[], bool], tell: Callable[[float], None]) -> None:
        def run() -> None:
            while time.time() < kill.at + _GIVE_UP:
                if look():
                    tell(round(time.time() - kill.at, 1))
                    return
                time.sleep(_LOOK_EVERY)

        thread = threading.Thread(target=run, name=f"after {kill.name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _of(self, kill: Kill) -> Callable[[], bool]:
        """Return the question whose first yes says that things of that kind go on."""

        def delivered() -> bool:
            return self.sink.latest > kill.at

        kinds: Mapping[str, Callable[[], bool]] = {
            "api": self._api_answers,
            "prefect": self._prefect_answers,
            "renderers": lambda: self._rendered_since(kill.at),
            "services": self._planner(),
            "redis": lambda: delivered() and self._prefect_answers(),
            "postgres": lambda: delivered() and self._api_answers(),
        }
        return kinds.get(kill.kind, delivered)

    def _api_answers(self) -> bool:
        return _answers(f"{self.whole.url}/api/v1/schedules/?limit=1", self.whole.headers)

    def _prefect_answers(self) -> bool:
        # Not /health: it asks no database.
        asked = {"flow_runs": {"tags": {"all_": ["none"]}}}
        return _answers(f"{self.whole.prefect}/flow_runs/count", {}, asked, self.whole.places.prefect_login)

    def _rendered_since(self, moment: float) -> bool:
        query = (
            f"SELECT count(*) FROM renderings WHERE created_at > '{datetime.fromtimestamp(moment, UTC).isoformat()}'"
        )
        try:
            return self.whole.backend.count(query) > 0
        except psycopg.OperationalError:
            return False  # Postgres is away as well.

    def _planner(self) -> Callable[[], bool]:
        """Services plan runs: ask whether a schedule that is created after the kill gets one."""
        self._planned += 1
        body = work.schedule(self._planned, 1, work.daily(datetime.now(UTC) + timedelta(hours=12)), self.prefix)
        body["name"] = f"planned after a kill {self._planned}"
        made: list[str] = []

        def look() -> bool:
            try:
                if not made:
                    with self.whole.client as client:
                        made.append(client.post("/schedules/", json=body).raise_for_status().json()["id"])
                tagged = {"flow_runs": {"tags": {"all_": [f"schedule:{made[0]}"]}}}
                return int(self.whole.ask_prefect("/flow_runs/count", tagged).json()) > 0
            except httpx.HTTPError:
                return False  # Asked again.

        return look


def _answers(url: str, headers: Mapping[str, str], body: object = None, login: tuple[str, str] | None = None) -> bool:
    method = "GET" if body is None else "POST"
    given: dict[str, Any] = {"headers": dict(headers), "json": body, "auth": login}
    try:
        answer = httpx.request(method, url, **given, timeout=_ASK_SECONDS, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.is_success
