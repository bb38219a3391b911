"""SECURITY-TESTS 20 and 48: where mail may go, and how large files may be, is asked when a run sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from mailroom.executions.reasons import ReasonCode
from mailroom.passes.outcome import Outcome
from mailroom.rendering.service import render_report, render_request
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Artifact, Execution, Report
from tests.support.samples import FOLDER, MAIL

if TYPE_CHECKING:
    from tests.support.environment import Environment


def _limit(environment: Environment, **limits: Any) -> None:
    """Lower limits of admins, such as the owner is, after schedules were made."""
    settings = type(environment.settings).model_validate(
        {**environment.settings.model_dump(), "limits": {"admin": limits}}
    )
    environment.settings = settings


async def test_security_48_nothing_leaves_to_a_domain_that_is_no_longer_listed(environment: Environment) -> None:
    destinations = [{**MAIL, "to": ["ada@example.com", "bob@example.org"]}, FOLDER]
    schedule = await environment.create(destinations=destinations)
    execution = await environment.request(schedule)
    _limit(environment, recipient_domains="example.org")
    result = await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == ["bob@example.org"]
    deliveries = await environment.deliveries()
    assert deliveries["ada@example.com"].status is DeliveryState.SUPPRESSED
    assert deliveries["ada@example.com"].attempts == 0
    assert "ada@example.com" in (deliveries["ada@example.com"].error_message or "")
    others = {to: row.status for to, row in deliveries.items() if to != "ada@example.com"}
    assert set(others.values()) == {DeliveryState.DELIVERED}, "a folder has no domain"
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.PARTIAL


async def test_security_20_files_that_are_too_large_together_are_not_sent(environment: Environment) -> None:
    schedule = await environment.create()
    execution = await environment.request(schedule)
    await _rendered(environment, execution, size=1_000_001)
    _limit(environment, delivered_mb=1)
    await environment.run_pass(schedule, execution)
    found = await environment.execution()
    assert (found.status, found.reason_code) == (ExecutionState.FAILED, ReasonCode.RENDER_FAILED)
    assert "1,000,001 bytes" in (found.error_message or "")
    assert (environment.mail.taken(), await environment.deliveries()) == ([], {})


async def test_files_within_the_limit_are_sent(environment: Environment) -> None:
    schedule = await environment.create()
    execution = await environment.request(schedule)
    await _rendered(environment, execution, size=1_000_000)
    _limit(environment, delivered_mb=1)
    await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == sorted(MAIL["to"])


async def _rendered(environment: Environment, execution: Execution, *, size: int) -> None:
    """Render what an execution sends, and let its file be of this size by what the database knows."""
    async with environment.database.session() as session:
        report = await session.get(Report, "orders")
        assert report is not None
        definition = ReportDefinition.model_validate(report.definition)
    wanted = render_request(definition, {}, (Format.CSV,), execution.due_at, "UTC")
    await render_report(environment.database, environment.settings, wanted, now=datetime.now(UTC), group="")
    async with environment.database.session() as session:
        await session.execute(update(Artifact).values(size=size))
