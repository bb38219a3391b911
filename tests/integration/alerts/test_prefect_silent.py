"""A Prefect that hangs keeps the mail about itself from nobody: the connection is at hand since it answered last."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from mailroom.access.viewer import SYSTEM
from mailroom.alerts.sending.mail import keep_at_hand
from mailroom.connections import remembered
from mailroom.connections import repository as connections
from mailroom.connections.remembered import SECONDS, RememberedDocuments, remembering
from mailroom.incidents.spec import IncidentKind, Severity
from tests.integration.alerts.conftest import CONNECTION, FAILED, HOOK, MAIL, OPERATOR, SENT, Office

NOBODY = "http://127.0.0.1:9/api"


@pytest.fixture
def later() -> Iterator[list[float]]:
    """Remember nothing from before, by a clock that can be moved."""
    now = [0.0]
    with remembering(RememberedDocuments(clock=lambda: now[0])):
        yield now


@pytest.fixture
def hanging() -> Iterator[str]:
    """Return the address of a Prefect that takes every connection and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api"


async def silence(office: Office, prefect: str) -> None:
    office.settings = office.settings.model_copy(update={"prefect_api_url": prefect})
    await office.trouble(IncidentKind.PREFECT_SILENT, subject="prefect", severity=str(Severity.CRITICAL))


async def test_a_mail_tells_of_a_prefect_that_hangs_at_its_first_attempt(
    office: Office, later: list[float], hanging: str
) -> None:
    await keep_at_hand(office.database, office.settings)
    later[0] = SECONDS + 1
    await silence(office, hanging)
    await office.step()
    assert await office.alerts() == [("opened", MAIL, OPERATOR, SENT), ("opened", HOOK, "operators", SENT)]
    assert [row.attempts for row in await office.rows(route=MAIL)] == [1]
    assert office.mail.taken() == [OPERATOR]


@pytest.mark.usefixtures("later")
async def test_a_process_that_never_read_the_connection_gives_the_mail_up(office: Office) -> None:
    await silence(office, NOBODY)
    await keep_at_hand(office.database, office.settings)  # It fails, and ends no loop.
    await office.settle()
    assert await office.alerts(route=MAIL) == [("opened", MAIL, OPERATOR, FAILED)]
    assert office.mail.mails == []


async def test_the_connection_is_read_again_from_time_to_time(office: Office, later: list[float]) -> None:
    async with office.database.session() as session:
        row = await connections.get(session, CONNECTION, viewer=SYSTEM)
    for seconds, read in ((0.0, True), (60.0, False), (700.0, True)):
        later[0] = seconds
        before = remembered.of_process().is_at_hand(row)
        await keep_at_hand(office.database, office.settings)
        assert (not before, remembered.of_process().is_at_hand(row)) == (read, True)
