"""One mail for a group: it goes out once, and only to those of the group who may get it then."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from mailroom.executions.reasons import ReasonCode
from mailroom.passes.deliver import Courier
from mailroom.recipients import repository as unsubscribed
from mailroom.recipients import service as recipients
from mailroom.recipients.spec import NewSuppression
from mailroom.states import DeliveryState
from mailroom.storage.tables import Delivery
from tests.support.samples import MAIL

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB, EVE = "ada@example.com", "bob@example.org", "eve@example.com"
GROUP: dict[str, Any] = {**MAIL, "to": [ADA, BOB], "bcc": [EVE], "each": "group"}
NAME = f"{ADA} and 2 more"


async def _suppress(environment: Environment, *addresses: str) -> None:
    async with environment.database.session() as session:
        for address in addresses:
            wanted = NewSuppression(address=address, reason="They asked for it.")
            await recipients.suppress(session, wanted, environment.context())


def _the_mail(environment: Environment) -> EmailMessage:
    """Return the one mail that went out, whoever got it."""
    assert len(environment.mail.envelopes) == 1
    return environment.mail.mails[0][1]


async def test_everybody_gets_the_same_mail_in_one_transaction(environment: Environment) -> None:
    schedule = await environment.create(destinations=[GROUP])
    await environment.run_pass(schedule, await environment.request(schedule))
    assert environment.mail.taken() == sorted([ADA, BOB, EVE])
    mail = _the_mail(environment)
    assert str(mail["To"]) == f"{ADA}, {BOB}"
    assert EVE not in mail.as_string()
    [(name, delivery)] = (await environment.deliveries()).items()
    assert (name, delivery.status) == (NAME, DeliveryState.DELIVERED)
    assert delivery.receipt is not None
    assert set(delivery.receipt["detail"]["to_each"]) == {ADA, BOB, EVE}


async def test_26_whoever_is_on_the_list_or_has_unsubscribed_is_left_out(environment: Environment) -> None:
    schedule = await environment.create(destinations=[GROUP])
    execution = await environment.request(schedule)
    await _suppress(environment, ADA)
    async with environment.database.session() as session:
        await unsubscribed.insert_unsubscription(session, EVE, schedule.id, delivery_id="d", now=environment.now())
    await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == [BOB]
    assert str(_the_mail(environment)["To"]) == BOB


async def test_26_a_group_of_whom_nobody_may_get_it_gets_nothing(environment: Environment) -> None:
    schedule = await environment.create(destinations=[GROUP])
    execution = await environment.request(schedule)
    await _suppress(environment, "@example.com", BOB)
    await environment.run_pass(schedule, execution)
    assert environment.mail.envelopes == []
    found = (await environment.deliveries())[NAME]
    assert (found.status, found.reason_code) == (DeliveryState.SUPPRESSED, ReasonCode.RECIPIENT_SUPPRESSED)


async def test_26_who_is_put_on_the_list_at_the_last_moment_gets_nothing_either(environment: Environment) -> None:
    schedule = await environment.create(destinations=[GROUP])
    execution = await environment.request(schedule)

    class Later(Courier):
        async def _last_look(self, delivery: Delivery) -> None:
            await _suppress(environment, ADA)
            await super()._last_look(delivery)

    run_id = "00000000-0000-4000-8000-000000000002"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mailroom.passes.work.Courier", Later)
        await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.envelopes == []
    await environment.due_now()
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == [BOB, EVE]


async def test_security_48_a_domain_that_is_no_longer_listed_is_left_out(environment: Environment) -> None:
    schedule = await environment.create(destinations=[GROUP])
    execution = await environment.request(schedule)
    limits = {"admin": {"recipient_domains": "example.org"}}
    environment.settings = type(environment.settings).model_validate(
        {**environment.settings.model_dump(), "limits": limits}
    )
    await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == [BOB]


async def test_a_mail_says_what_a_pass_knows(environment: Environment) -> None:
    """Owner, schedule, filters, the time of the data and of the next one come from the pass itself."""
    schedule = await environment.create(destinations=[{**MAIL, "to": [ADA]}])
    await environment.run_pass(schedule, await environment.request(schedule))
    mail = _the_mail(environment)
    owner = environment.context().user
    assert mail["Reply-To"] == owner.email
    row = await environment.row(schedule)
    assert row.next_run is not None
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        said = " ".join(str(part.get_content()).split())
        for fact in (row.name, owner.email, ADA, "data as of", "The next one comes on", str(row.next_run.year)):
            assert fact in said, fact
