"""`/metrics` and `GET /stats` say what the ledger says, whichever process is asked, to those who may read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from pydantic import SecretStr

from api.app import create_app
from mailroom.settings import Settings
from mailroom.states import BreakerState, DeliveryState, ExecutionState
from mailroom.storage.model.connection_health import ConnectionHealth
from mailroom.storage.tables import Connection
from mailroom.watching.counts import repository as stored
from mailroom.watching.counts.refresh import refresh
from mailroom.watching.figures.exposition import by_channel
from mailroom.watching.figures.metrics import METRICS
from prefect_mailroom.channels.registry import CHANNELS
from tests.integration.watching.conftest import Arrived, Ledger

E, D = ExecutionState, DeliveryState
KEY, TOKEN = "k" * 40, "a-scrape-token-of-forty-characters-or-so"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@asynccontextmanager
async def process(books: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    """Make the application of one more process; its loops do not run."""
    found = Settings(api_key=SecretStr(KEY), metrics_token=SecretStr(TOKEN))
    transport = httpx.ASGITransport(create_app(found, books.database))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def scrape(client: httpx.AsyncClient, token: str = TOKEN) -> Samples:
    answer = await client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in plain(answer.text)
        for one in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


async def fill(books: Ledger, now: datetime) -> None:
    """Store occurrences of the last hours: 3 successes (one of them after a retry), 1 failure, 1 missed, 1 skipped."""
    due = now - timedelta(hours=2)
    await books.add(due, E.SUCCESS, Arrived(4.0), Arrived(20.0, "sftp", "bank"), ended_after=21.0)
    await books.add(due + timedelta(minutes=1), E.SUCCESS, Arrived(400.0, tries=2), ended_after=401.0, pass_count=2)
    await books.add(due + timedelta(minutes=2), E.SUCCESS, Arrived(3.0))
    await books.add(due + timedelta(minutes=3), E.FAILED, Arrived(None, status=D.REFUSED))
    await books.add(due + timedelta(minutes=4), E.MISSED)
    await books.add(due + timedelta(minutes=5), E.SKIPPED)
    await books.add(now - timedelta(minutes=3), E.PENDING)
    await books.add(now - timedelta(minutes=2), E.RUNNING, lease_until=now + timedelta(minutes=1))
    await (await books.sample()).add(due, E.FAILED, Arrived(None, channel="ftp", status=D.FAILED))
    async with books.database.session() as session:
        for name in ("smtp", "bank"):
            made = {"kind": "email", "block_type_slug": "x", "created_at": now, "updated_at": now}
            session.add(Connection(name=name, **made))
        session.add(ConnectionHealth(name="bank", state=BreakerState.OPEN, since=now))


async def test_metrics_say_what_the_ledger_says(books: Ledger) -> None:
    now = datetime.now(UTC)
    await fill(books, now)
    await refresh(books.database, now=now)
    async with process(books) as client:
        found = await scrape(client)

    outcomes = {"success": 3, "failed": 1, "missed": 1, "skipped": 1, "partial": 0, "cancelled": 0}
    for outcome, number in outcomes.items():
        assert of(found, "mailroom_occurrences_total", outcome=outcome) == number
        assert of(found, "mailroom_occurrences_last_24h", outcome=outcome) == number
    assert of(found, "mailroom_occurrences_on_time_total") == 2
    assert of(found, "mailroom_occurrences_troubled_total") == 2
    assert of(found, "mailroom_occurrences_recovered_total") == 1
    assert of(found, "mailroom_deliveries_total", channel="email", outcome="delivered") == 3
    assert of(found, "mailroom_deliveries_total", channel="email", outcome="refused") == 1
    assert of(found, "mailroom_deliveries_total", channel="ftp", outcome="failed") == 0, "samples are left out"
    assert of(found, "mailroom_delivery_retries_total", channel="email") == 1
    assert of(found, "mailroom_due_to_delivered_seconds_bucket", channel="email", le="5.0") == 2
    assert of(found, "mailroom_due_to_delivered_seconds_bucket", channel="email", le="+Inf") == 3
    assert of(found, "mailroom_due_to_delivered_seconds_sum", channel="email") == pytest.approx(407)
    assert of(found, "mailroom_lateness_seconds_count", channel="sftp") == 1
    assert of(found, "mailroom_service_level_ratio", level="success", period="24h") == 0.6
    assert of(found, "mailroom_service_level_counted", level="recovery", period="7d") == 2
    assert of(found, "mailroom_queue", state="waiting") == 1
    assert of(found, "mailroom_queue", state="running") == 1
    assert 180 <= of(found, "mailroom_queue_oldest_due_seconds") < 300
    assert of(found, "mailroom_runs_under_way") == 1
    assert of(found, "mailroom_breakers", state="open") == 1
    assert of(found, "mailroom_breakers", state="closed") == 1
    assert of(found, "mailroom_stage_average_seconds", stage="deliver") == pytest.approx(0.4, abs=0.01)


async def test_two_processes_say_the_same_and_what_they_counted_never_goes_down(books: Ledger) -> None:
    now = datetime.now(UTC)
    await fill(books, now)
    await refresh(books.database, now=now)
    async with process(books) as one, process(books) as other:
        first, second = await scrape(one), await scrape(other)
    assert first.keys() == second.keys()
    moving = {name for name, _ in first if name.endswith(("_age_seconds", "_oldest_due_seconds", "_lag_seconds"))}
    assert moving
    assert {key: value for key, value in first.items() if key[0] not in moving} == {
        key: value for key, value in second.items() if key[0] not in moving
    }
    await refresh(books.database, now=now + timedelta(seconds=20))
    async with process(books) as third:
        later = await scrape(third)
    counted = [key for key in first if key[0].endswith(("_total", "_bucket", "_count", "_sum"))]
    assert all(later[key] >= first[key] for key in counted)


async def test_before_the_first_count_is_whole_there_are_no_counters(books: Ledger) -> None:
    async with books.database.session() as session:
        await stored.hold_totals(session, now=datetime.now(UTC))  # A first count that was cut off.
    async with process(books) as client:
        found = await scrape(client)
    assert not [name for name, _ in found if name.endswith("_total")]
    assert of(found, "mailroom_queue", state="waiting") == 0


async def test_labels_are_words_that_the_code_knows(books: Ledger) -> None:
    now = datetime.now(UTC)
    await fill(books, now)
    due = now - timedelta(hours=1)
    await books.add(due, E.SUCCESS, Arrived(channel="pigeon", connection="secret-name"))
    await refresh(books.database, now=now)
    async with process(books) as client:
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/openmetrics-text; version=1.0.0"}
        answer = await client.get("/metrics", headers=headers)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in openmetrics(answer.text)}  # type: ignore[no-untyped-call]  # The library's.
    listed = {metric.name: metric for metric in METRICS}
    assert families.keys() == listed.keys()
    for name, family in families.items():
        labels = {label for one in family.samples for label in one.labels} - {"le"}
        assert labels <= set(listed[name].labels), name
        channels = {one.labels["channel"] for one in family.samples if "channel" in one.labels}
        assert channels <= {*CHANNELS, "other"}, name
    for private in ("pigeon", "secret-name", "example.com", books.schedule.id, books.schedule.name, "smtp", "bank"):
        assert private not in answer.text
    assert by_channel({"pigeon": 2, "email": 1})["other"] == 2


KEYS = [
    ("/metrics", None, 401),
    ("/metrics", "wrong", 401),
    ("/metrics", KEY, 200),
    ("/metrics", TOKEN, 200),
    ("/api/v1/stats", TOKEN, 401),
    ("/api/v1/schedules/", TOKEN, 401),
    ("/metrics/", TOKEN, 401),
]


async def test_the_scrape_token_opens_the_metrics_and_nothing_else(books: Ledger) -> None:
    async with process(books) as client:
        for path, token, status in KEYS:
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})
            assert answer.status_code == status, (path, token)


async def test_without_a_token_set_an_empty_one_opens_nothing(books: Ledger) -> None:
    found = Settings(api_key=SecretStr(KEY))
    transport = httpx.ASGITransport(create_app(found, books.database))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for headers in ({"Authorization": "Bearer "}, {"X-API-Key": ""}):
            assert (await client.get("/metrics", headers=headers)).status_code == 401


async def test_stats_have_the_same_figures(books: Ledger) -> None:
    now = datetime.now(UTC)
    await fill(books, now)
    await refresh(books.database, now=now)
    async with process(books) as client:
        answer = await client.get("/api/v1/stats", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 200, answer.text
    found = answer.json()["figures"]
    assert found["totals"]["success"] == found["outcomes"]["success"] == 3
    rates = {(one["level"], one["period"]): one["share"] for one in found["levels"]}
    assert rates["success", "24h"] == rates["success", "7d"] == 0.6
    assert rates["adoption", "30d"] is None
    (email, sftp) = found["channels"]
    assert (email["channel"], email["retries"], email["due_to_delivered"]["measured"]) == ("email", 1, 3)
    assert (sftp["channel"], sftp["lateness"]["p95"]) == ("sftp", pytest.approx(19.75))
    assert found["queue"]["waiting"] == 1
    assert found["breakers"]["open"] == 1
