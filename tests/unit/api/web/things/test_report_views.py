"""Say what the pages of reports say, and the sketch where there is no picture."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from api.actions.reports.views import ReportSummary
from api.web.report import parameters, view
from api.web.report.sketch import sketch
from api.web.reports import view as catalog
from api.web.when import When, locale_of
from mailroom.errors import Unavailable
from mailroom.reports.errors import LimitExceeded
from mailroom.reports.spec import ReportDefinition
from tests.support import samples

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
WHEN = When(ZoneInfo("UTC"), locale_of("en-GB"), hours24=True, now=NOW)


def summary(**more: Any) -> ReportSummary:
    base = {"id": "orders", "title": "Orders", "version": "a" * 64, "created_at": NOW, "updated_at": NOW}
    return ReportSummary(**{**base, **more})


def test_a_card_says_what_people_choose_by() -> None:
    (card,) = catalog.page([summary(formats=["pdf"], used_by=3, owner="Ops")], WHEN, search="", is_admin=False).cards
    assert (card.formats, card.used_by, card.owner) == ("PDF", "3 schedules", "Ops")
    assert card.picture == "/reports/orders/picture?v=aaaaaaaaaaaa"


def test_an_empty_catalog_names_the_command_to_admins_alone() -> None:
    pages = [catalog.page([], WHEN, search="", is_admin=is_admin) for is_admin in (True, False)]
    assert [bool(page.command) for page in pages] == [True, False]
    searched = catalog.page([], WHEN, search="x", is_admin=True)
    assert searched.empty is not None
    assert (searched.command, searched.empty.links[0].href) == ("", "/reports")


def test_a_preview_that_took_too_long_names_the_query() -> None:
    error = LimitExceeded("It took longer than 60 s.", limit="seconds", report="orders", section="query 'delays'")
    told = view.stopped(error, 60.2)
    assert told.heading == "Stopped after 60 s: the query delays"
    assert "narrower" in told.remedy
    assert "Stopped" not in view.stopped(Unavailable("Nobody answers."), 1).heading


def test_parameters_stand_in_the_address_and_come_back() -> None:
    pairs = parameters.as_query({"region": "EMEA", "kinds": ["a", "b"]})
    assert parameters.of_query([*pairs, ("frame", "1")]) == {"region": "EMEA", "kinds": ["a", "b"]}


def test_a_date_may_be_written_in_words() -> None:
    schema = {"type": "object", "properties": {"day": {"type": "string", "format": "date", "default": "today-1d"}}}
    (field,) = parameters.group(schema, {}).fields
    assert (field.control, field.value) == ("text", "today - 1 day")
    assert "today-1d" not in field.hint
    assert parameters.understood(schema, {"day": "Today - 1 day", "other": "today - 1 day"}) == {
        "day": "today-1d",
        "other": "today - 1 day",
    }


@pytest.mark.parametrize("title", ["Orders & <more>", "x" * 200, "\u202eright", "bell \x07"])
def test_a_sketch_is_well_formed_whatever_the_title(title: str) -> None:
    body = copy.deepcopy(samples.REPORT)
    body["title"] = title
    body["sections"] = [
        {"kind": "text", "text": "Words."},
        {"kind": "key_figures", "query": "orders", "columns": [{"name": "amount"}]},
        {"kind": "chart", "query": "orders", "chart": "bar", "x": {"name": "region"}, "y": [{"name": "amount"}]},
        {"kind": "table", "query": "orders"},
    ]
    drawn = ET.fromstring(sketch(ReportDefinition.model_validate(body)))
    assert len(drawn) > 10


def test_a_report_of_files_is_sketched_as_a_sheet() -> None:
    body = {**copy.deepcopy(samples.REPORT), "sections": []}
    assert ">CSV<" in sketch(ReportDefinition.model_validate(body))


def test_a_parameter_is_called_as_its_report_calls_it() -> None:
    day = {"type": "string", "format": "date", "title": "Last day", "description": "It is included."}
    (field,) = parameters.group({"type": "object", "properties": {"to": day}}, {}).fields
    assert field.label == "Last day", "not as the recipients of a mail, which are a setting of the same name"
    assert field.hint.startswith("It is included.")
