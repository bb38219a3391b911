"""Load pages as a browser does, and note what it took."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from playwright.async_api import Browser, CDPSession, Page

from bench.browsing.chromium import DESK, Theme, Window, window
from bench.serving import Served

_ASKED, _LOADS = 40, 4
_REST = 5.0
"""For so many seconds nobody asks, to see what the loops of the process take by themselves."""
# Watches from the beginning: what moved, and when the first text was painted.
_WATCH = """
window.moved = 0;
new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.moved += one.value;
}).observe({type: 'layout-shift', buffered: true});
"""
_PAINTED = "performance.getEntriesByName('first-contentful-paint').map(one => one.startTime)[0] ?? null"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Hold what a page took.

    Attributes:
        first_paint_ms: the median of several loads of a browser that has the assets.
        server_p95_ms: of the HTML alone, asked for one after the other. It is the same in every theme, so it is
            measured once a page.
        kb_cold, kb_warm: what came over the wire, headers included, for a browser that has nothing, or the assets.
        requests: of a browser that has nothing.
        cpu_ms: the CPU time of our process for one answer, without what its loops take meanwhile. Another load of the
            machine hardly lengthens it.
        shift: the cumulative layout shift.
    """

    page: str
    theme: str
    first_paint_ms: float
    server_p95_ms: float
    kb_cold: float
    kb_warm: float
    requests: int
    shift: float
    axe_violations: int
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Answers:
    """Hold what the server took for the HTML of a page, whatever its theme, see `Loaded`."""

    p95_ms: float
    cpu_ms: float


class _Wire:
    """Counts what comes over the wire."""

    def __init__(self) -> None:
        self.bytes, self.requests = 0, 0

    def hear(self, session: CDPSession) -> None:
        """Count from now on."""
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.requestServedFromCache", self._cached)

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])

    def _sent(self, _event: dict[str, Any]) -> None:
        self.requests += 1

    def _cached(self, _event: dict[str, Any]) -> None:
        self.requests -= 1

    def take(self) -> tuple[float, int]:
        """Return kilobytes and requests since the last call."""
        found = (self.bytes / 1000, self.requests)
        self.bytes, self.requests = 0, 0
        return found


async def load(
    browser: Browser, served: Served, secret: str, place: tuple[str, str], theme: Theme, answers: Answers
) -> Loaded:
    """Load a page in a window of its own, first without anything cached, then several times with the assets.

    Args:
        place: the name of the page, and its path.
        answers: what `asked` found for this page.
    """
    name, path = place
    async with window(browser, served.url, theme=theme, width=DESK) as found:
        await found.be(secret)
        wire, session = _Wire(), await found.context.new_cdp_session(found.page)
        await session.send("Network.enable")
        wire.hear(session)
        await found.page.add_init_script(_WATCH)
        await _go(found.page, path)
        cold, requests = wire.take()
        paints, warm = [], 0.0
        for _ in range(_LOADS):
            await _go(found.page, path)
            warm, _ = wire.take()
            paints.append(await found.page.evaluate(_PAINTED))
        shift = await found.page.evaluate("window.moved")
        violations = await _violations(found)
    return Loaded(
        page=name,
        theme=theme,
        first_paint_ms=round(statistics.median(one for one in paints if one is not None), 1),
        server_p95_ms=round(answers.p95_ms, 1),
        kb_cold=round(cold, 1),
        kb_warm=round(warm, 1),
        requests=requests,
        shift=round(shift, 4),
        axe_violations=violations,
        cpu_ms=round(answers.cpu_ms, 1),
    )


async def _go(page: Page, path: str) -> None:
    answer = await page.goto(path)
    assert answer is not None, path
    assert answer.ok, f"{path}: {answer.status}"
    await page.wait_for_load_state("networkidle")


async def _violations(found: Window) -> int:
    return len(await found.axe())


async def asked(served: Served, secret: str, path: str) -> Answers:
    """Ask for the HTML of a page alone, one time after the other."""
    headers = {"Accept": "text/html", "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(
        base_url=served.url, cookies={"mailroom": secret}, headers=headers, trust_env=False
    ) as http:
        cpu = served.cpu_seconds()
        await asyncio.sleep(_REST)
        by_loops = (served.cpu_seconds() - cpu) / _REST
        times, cpu, first = [], served.cpu_seconds(), time.perf_counter()
        for _ in range(_ASKED):
            began = time.perf_counter()
            await http.get(path)
            times.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.01)
        spent = served.cpu_seconds() - cpu - by_loops * (time.perf_counter() - first)
    return Answers(statistics.quantiles(times, n=20)[-1], 1000 * spent / _ASKED)


def row(found: Loaded) -> dict[str, Any]:
    """Return a page as JSON."""
    return asdict(found)
