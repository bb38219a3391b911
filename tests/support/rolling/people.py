"""People who make, change, pause and delete schedules, each action through the API process that a test names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from bench.scale import work
from bench.scale.stack.whole import Whole
from tests.support.rolling.changes import Change, cron, due_times
from tests.support.rolling.inbox import SUBJECT
from tests.support.rolling.judging import Expected

REPORT = "rolling"


@dataclass
class Made:
    """A schedule that somebody made, and what was changed of it since."""

    id: str
    recipient: str
    changes: list[Change] = field(default_factory=list)


@dataclass
class People:
    """Ask the API processes of a stack by their names, such as `api-1`; `made` has every schedule."""

    stack: Whole
    made: list[Made] = field(default_factory=list)

    def make_report(self) -> None:
        """Make the report of all schedules."""
        with self.stack.client as client:
            body = work.report(0, REPORT)
            client.post("/reports", json=body).raise_for_status()

    def create(self, api: str, every: int = 1) -> Made:
        """Make a schedule with a recipient of its own."""
        number = len(self.made)
        body = work.schedule(number, 1, _timing(every), REPORT)
        body["destinations"][0]["subject"] = SUBJECT
        answer = self._ask(api, "POST", "/schedules/", body)
        made = Made(answer["id"], work.recipient(number, REPORT), [_now(every)])
        self.made.append(made)
        return made

    def edit(self, api: str, made: Made, every: int) -> None:
        """Change how often it is due, and what it is called."""
        there = self.read(api, made)
        body = {"timing": _timing(every), "name": f"{there['name']}+"}
        self._ask(api, "PATCH", f"/schedules/{made.id}", body, {"If-Match": there["etag"]})
        made.changes.append(_now(every))

    def pause(self, api: str, made: Made) -> None:
        """Pause it."""
        self._ask(api, "POST", f"/schedules/{made.id}/pause")
        made.changes.append(_now(0))

    def resume(self, api: str, made: Made, every: int) -> None:
        """Resume it; `every` is how often it is due since."""
        self._ask(api, "POST", f"/schedules/{made.id}/resume")
        made.changes.append(_now(every))

    def delete(self, api: str, made: Made) -> None:
        """Delete it."""
        etag = self.read(api, made)["etag"]
        self._ask(api, "DELETE", f"/schedules/{made.id}", headers={"If-Match": etag})
        made.changes.append(_now(0))

    def read(self, api: str, made: Made) -> dict[str, Any]:
        """Return the schedule as this API process has it."""
        return self._ask(api, "GET", f"/schedules/{made.id}")

    def expected(self, until: datetime) -> list[Expected]:
        """Return every schedule with the times at which it was due before `until`."""
        return [Expected(one.id, one.recipient, due_times(one.changes, until)) for one in self.made]

    def _ask(
        self, api: str, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        url = f"http://{self.stack.addresses[api]}/api/v1{path}"
        both = {**self.stack.headers, **(headers or {})}
        answer = httpx.request(method, url, headers=both, json=body, timeout=60, trust_env=False)
        assert answer.is_success, f"{api} answers {method} {path} with {answer.status_code}: {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


def _timing(every: int) -> dict[str, Any]:
    return {"frequency": "cron", "expression": cron(every), "timezone": "UTC"}


def _now(every: int) -> Change:
    return Change(datetime.now(UTC), every)
