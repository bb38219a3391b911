"""Somebody who asks the address before the API all the time, with a new connection for each request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from bench.scale.stack.whole import Whole

_EVERY, _SECONDS = 0.5, 60


@dataclass
class Asking:
    """`answers` counts what was answered well; `failures` says of each other request why it was not."""

    stack: Whole
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Ask while the block runs."""
        thread = threading.Thread(target=self._run, name="asking", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join(_SECONDS)

    def _run(self) -> None:
        while not self._ending.wait(_EVERY):
            try:
                url = f"{self.stack.url}/api/v1/schedules/?limit=1"
                answer = httpx.get(url, headers=self.stack.headers, timeout=_SECONDS, trust_env=False)
            except httpx.HTTPError as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                continue
            if answer.is_success:
                self.answers += 1
            else:
                self.failures.append(f"{answer.status_code}: {answer.text[:200]}")
