"""Digest, summary and notices to readers, through a real connection to a real mail server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from sqlalchemy import select, update

from mailroom.setting_groups.telling import TellingSettings
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.stops import service as stops
from mailroom.stops.spec import StopRequest, StopScope
from mailroom.storage.database import new_id
from mailroom.storage.model.recipients import Suppression, Unsubscription
from mailroom.storage.model.upkeep.tellings import Telling
from mailroom.storage.tables import Execution, Notification, Schedule
from mailroom.telling import repository
from mailroom.telling.digest import service as digests
from mailroom.telling.readers import service as readers
from mailroom.telling.spec import TellingState
from mailroom.telling.summary import service as summaries

if TYPE_CHECKING:
    from tests.support.environment import Environment

MONDAY = datetime(2026, 11, 30, 8, 5, tzinfo=UTC)


def clock_at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def with_links(environment: Environment) -> Settings:
    return environment.settings.model_copy(update={"link_key": SecretStr("k" * 32)})


async def tellings(environment: Environment) -> list[Telling]:
    async with environment.database.session() as session:
        return list(await session.scalars(select(Telling).order_by(Telling.created_at, Telling.target)))


async def warn(environment: Environment, at: datetime) -> None:
    async with environment.database.session() as session:
        session.add(
            Notification(
                user_id=environment.owner.id, at=at, severity="warning", title="Bob <b>left</b>", body="Words."
            )
        )


async def test_a_digest_is_sent_once_a_day_and_not_where_there_is_nothing(environment: Environment) -> None:
    settings = with_links(environment)
    quiet = await digests.run(environment.database, settings, clock=clock_at(MONDAY))
    assert (quiet.made, environment.mail.mails) == (0, [])
    await warn(environment, MONDAY - timedelta(hours=3))
    for minutes in (0, 60, 120):
        moment = MONDAY + timedelta(minutes=minutes)
        await digests.run(environment.database, settings, clock=clock_at(moment))
    ((recipient, message),) = environment.mail.mails
    assert recipient == environment.owner.email
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"{settings.public_url}/stop-digest/" in message["List-Unsubscribe"]
    html = message.get_body(("html",))
    assert html is not None
    assert "Bob &lt;b&gt;left&lt;/b&gt;" in html.get_content()
    assert "Bob <b>left</b>" in str(message.get_body(("plain",)))
    next_day = await digests.run(environment.database, settings, clock=clock_at(MONDAY + timedelta(days=1)))
    assert next_day.made == 0


async def test_a_process_that_dies_between_claim_and_sending_delays_the_mail_and_no_more(
    environment: Environment,
) -> None:
    await warn(environment, MONDAY - timedelta(hours=3))
    environment.mail.data_reply = "451 4.3.0 Try again"
    first = await digests.run(environment.database, environment.settings, clock=clock_at(MONDAY))
    assert (first.made, first.sent.sent, first.waiting) == (1, 0, 1)
    taken = await environment.database.transact(  # This process takes it, and dies.
        lambda session: repository.take(session, (digests.KIND,), now=MONDAY + timedelta(minutes=2), limit=1)
    )
    assert len(taken) == 1
    environment.mail.data_reply = "250 Ok"
    later = MONDAY + timedelta(hours=1)
    second = await digests.run(environment.database, environment.settings, clock=clock_at(later))
    assert (second.made, second.sent.sent, second.waiting) == (0, 1, 0)
    assert len({str(_message(envelope)["Message-ID"]) for envelope in environment.mail.envelopes}) == 1
    assert [row.state for row in await tellings(environment)] == [TellingState.SENT]


def _message(envelope: Any) -> Any:
    import email

    return email.message_from_bytes(envelope.content)


async def test_what_cannot_be_sent_for_a_day_is_given_up(environment: Environment) -> None:
    await warn(environment, MONDAY - timedelta(hours=3))
    environment.mail.data_reply = "451 4.3.0 Try again"
    for hours in (0, 12, 26):
        moment = MONDAY + timedelta(hours=hours)
        done = await digests.run(environment.database, environment.settings, clock=clock_at(moment))
    assert done.sent.failed == 1
    (row,) = await tellings(environment)
    assert (row.state, row.content) == (TellingState.FAILED, None)
    assert row.error


async def test_who_stopped_them_meanwhile_gets_nothing_and_a_stop_holds_it(environment: Environment) -> None:
    await warn(environment, MONDAY - timedelta(hours=3))
    environment.mail.data_reply = "451 4.3.0 Try again"
    await digests.run(environment.database, environment.settings, clock=clock_at(MONDAY))
    environment.mail.data_reply = "250 Ok"
    async with environment.database.session() as session:
        owner = await session.merge(environment.owner)
        owner.preferences = {"alerts": {"daily_digest": {"mail": False}}}
    done = await digests.run(environment.database, environment.settings, clock=clock_at(MONDAY + timedelta(hours=1)))
    assert (done.sent.dropped, environment.mail.mails) == (1, [])


async def test_a_summary_is_sent_to_whoever_has_schedules(environment: Environment) -> None:
    nobody = await summaries.run(environment.database, environment.settings, clock=clock_at(MONDAY))
    assert nobody.made == 0
    schedule = await environment.create(now=MONDAY - timedelta(days=20))
    due = MONDAY - timedelta(days=3)
    async with environment.database.session() as session:
        session.add(_run(schedule, due, ExecutionState.FAILED, reason="The server said no."))
        session.add(_run(schedule, due - timedelta(days=1), ExecutionState.SUCCESS))
    for hours in (0, 1, 24):
        moment = MONDAY + timedelta(hours=hours)
        await summaries.run(environment.database, environment.settings, clock=clock_at(moment))
    ((recipient, message),) = environment.mail.mails
    text = str(message.get_body(("plain",)))
    assert recipient == environment.owner.email
    assert "The server said no." in text
    assert "Mon 30 Nov, 09:00: Daily orders (and 6 more runs this week)" in text


def _run(schedule: Schedule, due: datetime, status: ExecutionState, **columns: Any) -> Execution:
    ended = None if not status.ended else due + timedelta(minutes=1)
    values = {"kind": ExecutionKind.SCHEDULED, "created_at": due, "completed_at": ended, **columns}
    return Execution(id=new_id(), schedule_id=schedule.id, due_at=due, status=status, **values)


async def late(environment: Environment, notify: str = "late", minutes: int = 40) -> tuple[Schedule, Execution]:
    """Store a schedule whose run was due so long ago, and has not begun."""
    due = (environment.now() - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    body: dict[str, Any] = {
        "timing": {"frequency": "daily", "at": f"{due:%H:%M}"},
        "policy": {"notify_recipients": notify},
    }
    schedule = await environment.create(ago=timedelta(days=2), **body)
    run = _run(schedule, due, ExecutionState.PENDING)
    async with environment.database.session() as session:
        session.add(run)
        await session.execute(
            update(Schedule).where(Schedule.id == schedule.id).values(accounted_until=due, next_run=due + _DAY)
        )
    return schedule, run


_DAY = timedelta(days=1)


async def look(environment: Environment, settings: Settings | None = None) -> readers.Looked:
    return await readers.look(environment.database, settings or environment.settings, clock=environment.now)


async def test_readers_are_told_once_that_it_is_late_and_the_report_says_that_it_has_come(
    environment: Environment,
) -> None:
    schedule, run = await late(environment)
    await look(environment)
    await look(environment)
    assert environment.mail.taken() == ["ada@example.com", "bob@example.com"]
    notice = environment.mail.mails[0][1]
    assert notice["Reply-To"] == environment.owner.email
    environment.mail.clear()
    await environment.run_pass(schedule, run)
    await look(environment)
    assert environment.mail.taken() == ["ada@example.com", "bob@example.com"]
    assert all("You were told" in str(message.get_body(("plain",))) for _, message in environment.mail.mails)


async def test_a_report_that_nobody_was_told_about_says_nothing_of_it(environment: Environment) -> None:
    schedule, run = await late(environment)
    await environment.run_pass(schedule, run)
    assert await look(environment) == readers.Looked()
    assert all("You were told" not in str(message.get_body(("plain",))) for _, message in environment.mail.mails)


async def test_nobody_is_told_before_it_is_late_or_where_the_schedule_does_not_say_so(
    environment: Environment,
) -> None:
    await late(environment, minutes=29)
    await late(environment, "none")
    await late(environment, "failed")
    _, sample = await late(environment)
    async with environment.database.session() as session:
        await session.execute(update(Schedule).where(Schedule.id == sample.schedule_id).values(is_sample=True))
    assert await look(environment) == readers.Looked()
    assert environment.mail.mails == []


async def test_whoever_asked_for_no_mail_is_not_told(environment: Environment) -> None:
    schedule, _ = await late(environment)
    made = {"created_at": environment.now()}
    async with environment.database.session() as session:
        session.add(Suppression(address="ada@example.com", reason="", created_by="x", **made))
        session.add(Unsubscription(address="bob@example.com", schedule_id=schedule.id, delivery_id=new_id(), **made))
    looked = await look(environment)
    assert (looked.sent.sent, looked.sent.dropped, environment.mail.mails) == (0, 2, [])


async def test_a_stop_holds_a_notice_and_a_pause_takes_it_back(environment: Environment) -> None:
    schedule, _ = await late(environment)
    wanted = StopRequest(scope=StopScope.ALL, reason="Wrong data")
    async with environment.database.session() as session:
        await stops.stop(session, wanted, by="x", now=environment.now())
    looked = await look(environment)
    assert (looked.made, looked.sent.later, environment.mail.mails) == (2, 2, [])
    async with environment.database.session() as session:
        row = await session.get(Schedule, schedule.id)
        assert row is not None
        row.state = ScheduleState.PAUSED
    moment = environment.now() + timedelta(minutes=10)
    after = await readers.look(environment.database, environment.settings, clock=clock_at(moment))
    assert (after.sent.dropped, environment.mail.mails) == (2, [])


async def test_those_who_have_it_are_not_told_that_others_do_not(environment: Environment) -> None:
    environment.mail.replies["ada@example.com"] = "550 5.7.1 Not here, try elsewhere"
    schedule, run = await late(environment, "failed")
    environment.mail.replies["ada@example.com"] = ["451 4.7.1 Later"] * 3
    await environment.run_pass(schedule, run)
    async with environment.database.session() as session:
        await session.execute(
            update(Execution)
            .where(Execution.id == run.id)
            .values(status=ExecutionState.PARTIAL, completed_at=environment.now())
        )
    environment.mail.clear()
    environment.mail.replies.clear()
    await look(environment, with_links(environment))
    ((recipient, message),) = environment.mail.mails
    assert recipient == "ada@example.com"
    assert "/u/" in message["List-Unsubscribe"]


async def test_times_of_day_are_settings(environment: Environment) -> None:
    await warn(environment, MONDAY - timedelta(hours=3))
    settings = environment.settings.model_copy(update={"telling": TellingSettings(digest_at="09:00")})
    assert (await digests.run(environment.database, settings, clock=clock_at(MONDAY))).made == 0
    assert (await digests.run(environment.database, settings, clock=clock_at(MONDAY + timedelta(hours=1)))).made == 1
