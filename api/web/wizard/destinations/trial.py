"""Check a destination's connection, or send a test of it to the visitor, within the time that a page may wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from api.actions.connections import actions as connections
from api.actions.distribution.actions import DistributionTest, send_test
from api.actions.distribution.written import as_written
from api.web.visitor import Visitor
from api.web.wizard.destinations import results
from api.web.wizard.destinations.form import OWN, PEOPLE
from api.web.wizard.destinations.results import Result, What
from mailroom.errors import Invalid
from prefect_mailroom.errors import MailroomError

PAGE_SECONDS = 10.0
"""How long a page waits for the far side. What takes longer goes on, and its result is shown when it is there."""


async def begin(visitor: Visitor, what: What, body: Mapping[str, Any], given: Mapping[str, Any], here: str) -> Result:
    """Begin a check or test, and return its result, or that it is still under way.

    Args:
        body: of the schedule, as far as it is known.
        given: the destination, as it was entered.
        here: the address below which its result can be asked for.
    """
    work = _check(visitor, given) if what == "check" else _test(visitor, body, given)
    name = visitor.services.under_way.begin(visitor.user.id, work)
    return await wait(visitor, what, name, f"{here}&name={name}")


async def wait(visitor: Visitor, what: What, name: str, again: str, seconds: float = PAGE_SECONDS) -> Result:
    """Return the result of a check or test that was begun, waiting for it for so many seconds."""
    task = await visitor.services.under_way.wait(visitor.user.id, name, seconds)
    if task is None or task.cancelled():
        return results.unknown(what)
    if not task.done():
        return results.under_way(what, again, PAGE_SECONDS)
    found = task.result()
    assert isinstance(found, Result), "both kinds of work end with one"
    return found


async def _check(visitor: Visitor, given: Mapping[str, Any]) -> Result:
    try:
        return results.checked(await connections.check(visitor.caller, str(given.get("connection") or "")))
    except MailroomError as error:
        return results.failed("check", error)


async def _test(visitor: Visitor, body: Mapping[str, Any], given: Mapping[str, Any]) -> Result:
    # A test goes to the visitor alone, so that it can be sent before the recipients are right.
    own = {name: value for name, value in given.items() if name not in OWN and name not in PEOPLE}
    try:
        wanted = DistributionTest.model_validate(
            {"connection": given.get("connection") or None, "destination": own, "schedule": as_written(body)}
        )
        receipt = await send_test(visitor.caller, str(given.get("channel") or ""), wanted)
    except ValidationError as error:
        return results.failed("test", Invalid.from_validation(error, model=DistributionTest))
    except MailroomError as error:
        return results.failed("test", error)
    return results.tested(receipt, visitor.when)
