"""Who has more than a limit allows is counted by the kind of user, on both databases."""

from __future__ import annotations

from sqlalchemy import update

from bench.retention import history
from mailroom.limits.recipients import is_allowed
from mailroom.roles import Role
from mailroom.schedules.limits.beyond import beyond
from mailroom.settings import Settings
from mailroom.states import ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.model.recipients import ScheduleRecipient
from mailroom.storage.model.schedules.lists import ScheduleDestination
from mailroom.storage.tables import Schedule, User
from tests.integration.conftest import NOW

DOMAINS = "example.com *.example.org"
SETTINGS = Settings.model_validate(
    {
        "limits": {
            "schedules": 2,
            "recipients": 5,
            "schedule_recipients": 8,
            "recipient_domains": DOMAINS,
            "admin": {"recipients": 3, "recipient_domains": ""},
            "service": {"schedules": 3, "recipients": 100},
        }
    }
)
ADDRESSES = ("a@example.com", "b@sub.example.org", "c@example.org", "d@notexample.com", "e@ex_mple.com")
ELSEWHERE = sum(not is_allowed(address, DOMAINS.split()) for address in ADDRESSES)


async def _owner(ledger: Database, name: str, role: Role, *, service: bool, schedules: int) -> list[str]:
    """Store a user with so many schedules that may fire, and one that is deleted."""
    ids = await history.schedules(ledger, schedules + 1, now=NOW)
    async with ledger.session() as session:
        found = await session.get_one(Schedule, ids[-1])
        found.state = ScheduleState.DELETED
        values = {"email": f"{name}@example.com", "role": role, "is_service": service}
        await session.execute(update(User).where(User.id == found.user_id).values(values))
    return ids


async def _sends(ledger: Database, schedule: str, *recipients: int) -> None:
    rows = [
        ScheduleDestination(schedule_id=schedule, position=n, channel="email", connection="smtp", recipients=count)
        for n, count in enumerate(recipients)
    ]
    async with ledger.session() as session:
        session.add_all(rows)


async def test_each_limit_names_those_who_have_more(ledger: Database) -> None:
    ada = await _owner(ledger, "ada", Role.CREATOR, service=False, schedules=3)
    await _owner(ledger, "bob", Role.CREATOR, service=False, schedules=2)
    root = await _owner(ledger, "root", Role.ADMIN, service=False, schedules=4)
    robot = await _owner(ledger, "robot", Role.ADMIN, service=True, schedules=4)
    await _sends(ledger, ada[0], 6)
    await _sends(ledger, ada[1], 5, 5)
    await _sends(ledger, ada[3], 60)  # It is deleted.
    await _sends(ledger, root[0], 4, 300)
    await _sends(ledger, root[1], 3)
    await _sends(ledger, robot[0], 99)
    async with ledger.session() as session:
        for schedule in (ada[0], ada[1], root[0]):
            session.add_all(ScheduleRecipient(address=address, schedule_id=schedule) for address in ADDRESSES)
    async with ledger.session() as session:
        found = [(one.limit, one.email, one.is_service, one.count) for one in await beyond(session, SETTINGS)]
    assert ELSEWHERE == 3
    assert found == [
        ("schedules", "robot@example.com", True, 4),
        ("schedules", "ada@example.com", False, 3),
        ("recipients", "ada@example.com", False, 1),
        ("recipients", "root@example.com", False, 1),
        ("schedule_recipients", "ada@example.com", False, 1),
        ("recipient_domains", "ada@example.com", False, ELSEWHERE),
    ]
    async with ledger.session() as session:
        usual = [(one.limit, one.email) for one in await beyond(session, Settings())]
    assert usual == [("recipients", "robot@example.com"), ("recipients", "root@example.com")]
