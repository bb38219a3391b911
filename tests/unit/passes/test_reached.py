"""To whom a correction goes: whoever got the wrong report, or may have, by any execution of its chain."""

from __future__ import annotations

from datetime import UTC, datetime

from mailroom.passes.correcting.ask import reached
from mailroom.passes.correcting.words import correction_facts
from mailroom.states import DeliveryState
from mailroom.storage.tables import Delivery, Execution

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)

S = DeliveryState


def _delivery(recipient: str, status: DeliveryState, position: int = 0) -> Delivery:
    return Delivery(recipient=recipient, status=status, position=position)


def test_those_whose_delivery_is_confirmed_or_not_known() -> None:
    every = [_delivery(str(state), state) for state in DeliveryState]
    assert [row.recipient for row in reached([every])] == [str(S.DELIVERED), str(S.UNKNOWN)]


def test_whoever_got_only_the_first_of_two_wrong_ones_gets_the_right_one() -> None:
    first = [_delivery("ada", S.DELIVERED), _delivery("bob", S.DELIVERED), _delivery("eve", S.REFUSED)]
    correction = [_delivery("ada", S.DELIVERED), _delivery("bob", S.FAILED)]
    found = reached([correction, first])
    assert [row.recipient for row in found] == ["ada", "bob"]
    assert found[0] is correction[0], "the latest is what is sent again"


def test_one_recipient_of_two_destinations_gets_both() -> None:
    both = [_delivery("ada", S.DELIVERED, 1), _delivery("ada", S.DELIVERED, 0)]
    assert [row.position for row in reached([both])] == [0, 1]


def test_the_facts_of_a_correction() -> None:
    assert correction_facts(Execution(due_at=NOW)) == {}
    marked = Execution(due_at=NOW, corrects="x")
    assert correction_facts(marked) == {"corrects": NOW.isoformat()}
    marked.correction_reason = "France was missing."
    assert correction_facts(marked)["correction_reason"] == "France was missing."
