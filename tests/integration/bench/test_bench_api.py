"""What `make bench-api` fills in and asks for: everybody can log in, and every request of theirs is answered."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import httpx

from api.app import create_app
from bench.api import data
from bench.api.guard import guard_ms
from bench.api.load import Measured
from bench.api.requests import FOR_ALL, FOR_OWNERS, ask
from bench.serving import settings_in
from mailroom.roles import Role
from mailroom.storage.database import Database


async def test_every_request_of_everybody_is_answered(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data")
    persons = await data.fill(settings, people=5, schedules=40)
    assert [person.role for person in persons] == [Role.ADMIN, Role.VIEWER, Role.VIEWER, Role.VIEWER, Role.CREATOR]
    database = Database(settings.database)
    transport = httpx.ASGITransport(create_app(settings, database), raise_app_exceptions=False)
    answered: defaultdict[str, set[int]] = defaultdict(set)
    pick = random.Random(3)
    async with httpx.AsyncClient(transport=transport, base_url="http://mailroom.test/api/v1") as http:
        for number in range(120):
            person = persons[number % len(persons)]
            asked = ask(person, pick)
            headers = {"Authorization": f"Bearer {person.key}", **asked.headers}
            answer = await http.request(asked.method, asked.path, json=asked.json, headers=headers)
            assert answer.status_code in asked.good, f"{asked}: {answer.status_code} {answer.text}"
            answered[asked.kind].add(answer.status_code)
    await database.close()
    assert len(answered) >= len(FOR_ALL) + len(FOR_OWNERS) - 2
    assert 0 < await guard_ms(settings, persons, count=40) < 1_000


def test_quantiles_are_of_all_answers_or_of_one_kind() -> None:
    measured = Measured(seconds=2)
    assert (measured.quantile_ms(95), measured.rate()) == (0, 0)
    measured.times["list"] = [0.001 * number for number in range(1, 101)]
    measured.times["read"] = [1.0] * 100
    assert measured.rate() == 100
    assert measured.quantile_ms(95, "list") == 95.1
    assert measured.quantile_ms(95) == 1000
