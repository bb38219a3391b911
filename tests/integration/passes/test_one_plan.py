"""Every recipient of an execution gets what its first pass planned, whatever was changed between the passes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from mailroom.executions.reasons import ReasonCode
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec, spec_data
from mailroom.states import ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution, Notification, Rendering, Report, Schedule
from tests.support.samples import REPORT

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.support.environment import Environment

ADA, BOB = "ada@example.com", "bob@example.com"


async def _first_pass(environment: Environment) -> tuple[Schedule, Execution, str]:
    """Ada has her mail; bob's server puts him off."""
    schedule = await environment.create(formats=["csv"])
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies[BOB] = "451 later"
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == [ADA]
    return schedule, execution, run_id


async def _second_pass(environment: Environment, first: tuple[Schedule, Execution, str]) -> None:
    schedule, execution, run_id = first
    environment.mail.replies.clear()
    await environment.due_now()
    await environment.run_pass(schedule, execution, run_id=run_id)


async def _change(environment: Environment, schedule: Schedule, **changes: Any) -> None:
    body = {**spec_data(await environment.row(schedule)), **changes}
    async with environment.database.session() as session:
        await schedules.replace(session, schedule.id, read_spec(body), environment.context(), if_match=None)


async def _change_report(environment: Environment, **changes: Any) -> None:
    definition = ReportDefinition.model_validate({**REPORT, **changes})
    async with environment.database.session() as session:
        await report_repository.save(session, definition, now=datetime.now(UTC))


def _files(mail: EmailMessage) -> list[bytes]:
    found = [part.get_payload(decode=True) for part in mail.iter_attachments()]
    return [content for content in found if isinstance(content, bytes)]


def _text(mail: EmailMessage) -> str:
    """Return the report's text; the line below it names each reader."""
    part = mail.get_body(("plain",))
    assert part is not None
    text, line, about = str(part.get_content()).replace("\r\n", "\n").partition("\n-- \n")
    assert line, about
    return text


async def test_new_parameters_do_not_reach_an_execution_under_way(environment: Environment) -> None:
    first = await _first_pass(environment)
    await _change(environment, first[0], parameters={"least": 1000})
    await _second_pass(environment, first)
    mails = dict(environment.mail.mails)
    assert sorted(mails) == [ADA, BOB]
    assert b"APAC" in _files(mails[ADA])[0]
    assert _files(mails[BOB]) == _files(mails[ADA])


async def test_new_parameters_do_not_reach_an_execution_of_a_users_own_report(environment: Environment) -> None:
    """A report with an author is not prepared at the claim, since it is asked again whether its source may be read."""
    async with environment.database.session() as session:
        await session.execute(update(Report).values(owner_id=environment.owner.id))
    first = await _first_pass(environment)
    await _change(environment, first[0], parameters={"least": 1000})
    await _second_pass(environment, first)
    mails = dict(environment.mail.mails)
    assert sorted(mails) == [ADA, BOB]
    assert _files(mails[BOB]) == _files(mails[ADA])


async def test_new_formats_do_not_reach_an_execution_under_way(environment: Environment) -> None:
    first = await _first_pass(environment)
    await _change(environment, first[0], formats=["html"])
    await _second_pass(environment, first)
    mails = dict(environment.mail.mails)
    assert sorted(mails) == [ADA, BOB]
    assert _files(mails[BOB]) == _files(mails[ADA])


async def test_a_new_version_of_the_report_does_not_reach_an_execution_under_way(environment: Environment) -> None:
    first = await _first_pass(environment)
    queries = {"orders": "SELECT region FROM orders WHERE amount >= :least"}
    await _change_report(environment, title="Regions", source={**REPORT["source"], "queries": queries})
    await _second_pass(environment, first)
    mails = dict(environment.mail.mails)
    assert sorted(mails) == [ADA, BOB]
    assert mails[BOB]["Subject"] == mails[ADA]["Subject"]
    assert _text(mails[BOB]) == _text(mails[ADA])
    assert _files(mails[BOB]) == _files(mails[ADA])


async def test_data_that_changed_since_never_reaches_an_execution_under_way(environment: Environment) -> None:
    first = await _first_pass(environment)
    async with environment.database.session() as session:
        await session.execute(update(Rendering).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    with closing(sqlite3.connect(environment.settings.data_dir.parent / "warehouse.db")) as connection, connection:
        connection.execute("UPDATE orders SET amount = amount + 1")
    await _second_pass(environment, first)
    mails = dict(environment.mail.mails)
    assert BOB not in mails or _files(mails[BOB]) == _files(mails[ADA])


async def test_a_retry_after_the_files_are_gone_says_so_and_sends_nothing(environment: Environment) -> None:
    first = await _first_pass(environment)
    for file in environment.settings.artifacts_dir.rglob("*"):
        if file.is_file():
            file.unlink()
    await _second_pass(environment, first)
    assert environment.mail.taken() == [ADA]
    row = await environment.execution()
    assert (row.status, row.reason_code) == (ExecutionState.PARTIAL, ReasonCode.FILES_EXPIRED)
    assert (await environment.deliveries())[BOB].next_attempt_at is None
    async with environment.database.session() as session:
        told = (await session.scalars(select(Notification))).one()
    assert BOB in told.body
    assert ADA not in told.body


async def test_an_execution_that_an_earlier_version_began_never_gets_other_data(environment: Environment) -> None:
    """Earlier versions kept the files that they sent, and no plan."""
    first = await _first_pass(environment)
    async with environment.database.session() as session:
        await session.execute(update(Execution).values(plan=None))
    await _change(environment, first[0], parameters={"least": 1000})
    await _second_pass(environment, first)
    assert environment.mail.taken() == [ADA]
    assert (await environment.execution()).reason_code == ReasonCode.FILES_EXPIRED
