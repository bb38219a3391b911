"""The list of guards is in step with the code; `make guards` shows that each is watched."""

from __future__ import annotations

import pytest

from mailroom.settings import CHECKOUT
from scripts.guards.every import EVERY_GUARD
from scripts.guards.guards import Guard


@pytest.mark.parametrize("guard", EVERY_GUARD, ids=lambda guard: guard.name)
def test_each_stands_once_in_its_file_and_its_tests_are_there(guard: Guard) -> None:
    source = (CHECKOUT / guard.file).read_text()
    without = guard.removed_from(source)
    compile(without, guard.file, "exec")
    assert without != source
    assert [test for test in guard.tests if not (CHECKOUT / test).exists()] == []


def test_names_are_not_used_twice() -> None:
    assert len({guard.name for guard in EVERY_GUARD}) == len(EVERY_GUARD)


def test_a_guard_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match="0 times"):
        EVERY_GUARD[0].removed_from("")
