"""A link ends before its time where the rows of its delivery say so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailroom.links.downloads import is_revoked
from mailroom.links.repository import Linked
from mailroom.recipients.spec import pseudonym
from mailroom.roles import Role
from mailroom.states import ScheduleState
from mailroom.storage.tables import Delivery, Execution, Schedule, User

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
ADA = "ada@example.com"


def _linked(
    *,
    recipient: str = ADA,
    state: ScheduleState = ScheduleState.ACTIVE,
    role: Role = Role.CREATOR,
    active: bool = True,
    corrected_by: str | None = None,
) -> Linked:
    owner = User(id="owner", role=role, is_active=active, grants=[])
    return Linked(Delivery(recipient=recipient), Execution(), Schedule(state=state), owner, corrected_by)


@pytest.mark.parametrize("state", [one for one in ScheduleState if one is not ScheduleState.DELETED])
def test_what_was_sent_can_be_fetched_while_the_schedule_is_there(state: ScheduleState) -> None:
    assert not is_revoked(_linked(state=state))


@pytest.mark.parametrize(
    "linked",
    [
        _linked(state=ScheduleState.DELETED),
        _linked(role=Role.VIEWER),
        _linked(active=False),
        _linked(recipient=pseudonym(ADA, "s" * 32)),
        _linked(corrected_by="another"),
    ],
)
def test_security_26_a_link_ends_with_the_right_to_send(linked: Linked) -> None:
    assert is_revoked(linked)
