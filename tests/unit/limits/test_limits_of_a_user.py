"""Which limits hold for a user, and how they are set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.limits.decide import limits_for, room_for_schedules, room_in_hour
from mailroom.limits.spec import Budget, shown
from mailroom.rendering.job import Limits as RenderLimits
from mailroom.rendering.job_factory import limits_of, narrower
from mailroom.roles import Role
from mailroom.setting_groups.limits import UNLIMITED
from mailroom.settings import Settings, load
from mailroom.storage.tables import User
from prefect_mailroom.errors import ConfigurationError

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def user(role: Role = Role.CREATOR, *, is_service: bool = False) -> User:
    return User(id="u", email="ada@example.com", role=role, is_service=is_service)


def test_the_limits_of_a_creator_are_those_of_everybody() -> None:
    limits = limits_for(user(), Settings())
    assert (limits.schedules, limits.interval, limits.recipients) == (10, timedelta(hours=1), 50)
    assert all(limit < UNLIMITED for limit in limits.budgets.values())
    assert limits.domains == ()
    assert limits.contact


@pytest.mark.parametrize("who", [user(Role.ADMIN), user(is_service=True)])
def test_admins_and_service_accounts_are_not_counted_but_protect_the_receivers(who: User) -> None:
    limits = limits_for(who, Settings())
    assert {limits.schedules, *limits.budgets.values()} == {UNLIMITED}
    assert shown(limits.schedules) == "unlimited"
    assert (limits.interval, limits.recipients) == (timedelta(hours=1), 50)


def test_a_role_has_its_own_and_else_those_of_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SCHEDULES": "3",
        "RECIPIENT_DOMAINS": "example.com, Bücher.example",
        "CONTACT": "team@example.com",
        "CREATOR__SCHEDULES": "5",
        "CREATOR__INTERVAL_SECONDS": "600",
        "CREATOR__RENDER_ROWS": "1000",
        "CREATOR__RENDER_SECONDS": "30",
        "ADMIN__SCHEDULES": "20",
        "SERVICE__RUNS_AN_HOUR": "7",
    }.items():
        monkeypatch.setenv(f"MAILROOM_LIMITS__{name}", value)
    settings = load()
    creator, admin, service = (limits_for(one, settings) for one in (user(), user(Role.ADMIN), user(is_service=True)))
    assert (creator.schedules, admin.schedules, service.schedules) == (5, 20, UNLIMITED)
    assert (creator.interval, admin.interval) == (timedelta(minutes=10), timedelta(hours=1))
    assert creator.domains == ("example.com", "xn--bcher-kva.example")
    assert creator.contact == "team@example.com"
    # What is not said of a role keeps what the role has by default.
    assert (admin.budgets[Budget.RUNS], service.budgets[Budget.RUNS]) == (UNLIMITED, 7)
    made = limits_of(settings, creator)
    assert (made.rows, made.seconds, made.output_mb) == (1000, 30, settings.render_output_mb)


def test_a_preview_is_rendered_within_the_narrower_limits() -> None:
    one = RenderLimits(seconds=60, memory_mb=100, output_mb=10, rows=200)
    other = RenderLimits(seconds=30, memory_mb=200, output_mb=20, rows=100)
    assert narrower(one, other) == RenderLimits(seconds=30, memory_mb=100, output_mb=10, rows=100)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIMITS__SCHEDULES", "-1"),
        ("LIMITS__SCHEDULES", "many"),
        ("LIMITS__RECIPIENTS", "101"),
        ("LIMITS__CREATOR__INTERVAL_SECONDS", "1"),
        ("LIMITS__SCHEDULE", "5"),
        ("LIMITS__RECIPIENT_DOMAINS", "example.com/x"),
        ("LIMITS__RECIPIENT_DOMAINS", "exa\u0001mple.com"),
        ("RATE_LIMIT_USER", "300"),
        ("RATE_LIMIT_ADDRESS", "0/minute"),
        ("RATE_LIMIT_STORAGE", "memcached://localhost"),
        ("RATE_LIMIT_STORAGE", "redis://:hidden-9c1@"),
        ("RATE_LIMIT_STORAGE", "redis://:hidden-9c1@host:x"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"MAILROOM_{name}", value)
    with pytest.raises(ConfigurationError) as raised:
        load()
    assert f"MAILROOM_{name}" in raised.value.message
    assert "hidden-9c1" not in str(raised.value)


def test_the_last_schedule_that_may_be_had_is_had() -> None:
    limits = limits_for(user(), Settings())
    assert room_for_schedules(limits, 9, owner="Ada") is None
    refusal = room_for_schedules(limits, 10, owner="Ada")
    assert refusal is not None
    assert (refusal.limited.name, refusal.limited.limit, refusal.limited.used) == ("schedules", 10, 10)
    assert refusal.limited.ask == limits.contact
    assert room_for_schedules(limits, 8, owner="Ada", wanted=3) is not None


def test_an_hour_goes_by_from_each_request() -> None:
    limits = limits_for(user(), Settings.model_validate({"limits": {"runs_an_hour": 3}}))
    uses = [(NOW - timedelta(minutes=50), 1), (NOW - timedelta(minutes=20), 2)]
    assert room_in_hour(limits, Budget.RUNS, uses[:1], now=NOW, wanted=2) is None
    refusal = room_in_hour(limits, Budget.RUNS, uses, now=NOW, wanted=1)
    assert refusal is not None
    assert (refusal.limited.name, refusal.limited.limit, refusal.limited.used) == ("runs_an_hour", 3, 3)
    assert refusal.again_in == timedelta(minutes=10).total_seconds()
    later = room_in_hour(limits, Budget.RUNS, uses, now=NOW, wanted=2)
    assert later is not None
    assert later.again_in == timedelta(minutes=40).total_seconds()
    assert room_in_hour(limits, Budget.RUNS, [], now=NOW, wanted=4) is not None
