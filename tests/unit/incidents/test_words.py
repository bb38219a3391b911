"""Every kind of incident is told in words, whatever its finder has written down."""

from __future__ import annotations

import pytest

from mailroom.incidents.spec import IncidentKind, Level, Severity
from mailroom.incidents.words.description import Description, describe
from mailroom.storage.model.upkeep.incidents import Incident
from tests.unit.incidents.diary import NOW

K = IncidentKind


def said(kind: IncidentKind, *names: str, over: bool = False, **values: object) -> Description:
    row = Incident(
        id="i1",
        kind=kind,
        subject="bank",
        severity=Severity.ERROR,
        level=Level.OWNER,
        values=values,
        opened_at=NOW,
        resolved_at=NOW if over else None,
    )
    return describe(row, names, zone="Europe/Berlin")


@pytest.mark.parametrize("kind", IncidentKind)
def test_each_kind_has_words_even_without_values(kind: IncidentKind) -> None:
    found = said(kind)
    assert found.title
    assert found.what.endswith(".")
    assert found.to_do
    assert all(line.endswith(".") for line in found.to_do)
    assert not found.over
    assert "{" not in found.title + found.what
    assert "None" not in found.title + found.what


@pytest.mark.parametrize("kind", IncidentKind)
def test_what_is_over_says_so_and_asks_for_nothing(kind: IncidentKind) -> None:
    found = said(kind, over=True)
    assert found.over.endswith(".")
    assert found.to_do == ()


def test_a_failure_names_its_schedule_and_says_why() -> None:
    found = said(K.SCHEDULE_FAILING, "Weekly sales", failures=3, error="The host does not answer")
    assert "Weekly sales" in found.title
    assert "3 times" in found.what
    assert "The host does not answer." in found.what


def test_times_are_the_readers() -> None:
    found = said(K.OCCURRENCE_MISSED, "Weekly sales", due_at="2026-11-23T08:00:00+00:00")
    assert "09:00" in found.what
