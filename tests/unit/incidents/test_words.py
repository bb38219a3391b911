"""Every kind of incident is told in words, whatever its finder has written down."""

from __future__ import annotations

import pytest

from mailroom.incidents.spec import IncidentKind, Level, Severity
from mailroom.incidents.words.description import Description, describe
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.watching.levels.spec import LevelName
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


def test_a_key_is_called_by_its_name_and_old_ones_do_not_end() -> None:
    kind, what, name = K.CREDENTIAL_ENDING, "key", "Night job"
    ending = said(kind, what=what, name=name, days_old=20, ends_at="2026-12-01T08:00:00+00:00")
    assert "Night job" in ending.title
    assert "ends soon" in ending.title
    assert "09:00" in ending.what
    old = said(kind, what=what, name=name, days_old=200, ends_at=None)
    assert "ends" not in old.title + old.what
    assert "200 days" in old.what


def test_the_secret_of_a_connection_is_called_by_its_name() -> None:
    what, at = "secret of the connection", "2026-12-01T08:00:00+00:00"
    ending = said(K.CREDENTIAL_ENDING, what=what, name="archive", ends_at=at)
    assert "connection archive" in ending.title
    assert "09:00" in ending.what


@pytest.mark.parametrize("level", LevelName)
def test_a_level_is_called_by_what_it_promises_and_says_how_far_off_it_is(level: LevelName) -> None:
    row = Incident(kind=K.LEVEL_MISSED, subject=level, severity=Severity.ERROR, level=Level.OPERATOR, opened_at=NOW)
    row.values = {"good": 980, "total": 1200, "goal": 0.999}
    found = describe(row, (), zone="Europe/Berlin")
    assert level not in found.title.split()
    assert all(number in found.what for number in ("980", "1,200", "99.9 %"))
