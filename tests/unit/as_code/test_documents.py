"""Documents as texts: what is written is read back as the same, and what is wrong is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands.as_code.environment import secrets_of, variable_of
from cli.commands.as_code.files import Source, load
from cli.commands.as_code.sending import MOST_DOCUMENTS, chunks, in_order
from mailroom.as_code.names import named, slug
from mailroom.as_code.normal import differences
from mailroom.as_code.reading import read
from mailroom.as_code.secrets.given import resolve
from mailroom.as_code.spec import Kind
from mailroom.as_code.text import document, written
from mailroom.reports.folders.yaml_lines import YamlProblem, read_all
from tests.support import documents

TEXT = st.text("aß: -#\n'\"1{[é&*|>%@`,\U0001f600", max_size=12)
WORDS = st.sampled_from(["yes", "on", "09:30", "10:30", "1e5", "0x1f", "null", "~", "", "2026-11-26", "-", "a: b", "#"])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT | WORDS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT | WORDS, below, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(TEXT | WORDS, VALUE, max_size=4))
def test_what_is_written_is_read_back_as_the_same(spec: dict[str, Any]) -> None:
    wanted = document(Kind.REPORT, "orders", spec)
    (found,) = read_all(written(wanted))
    assert found.data == wanted


@given(VALUE, VALUE)
def test_there_is_a_difference_exactly_where_two_differ(before: Any, after: Any) -> None:
    assert differences(before, before) == {}
    # A key without a value is as good as one that is not there.
    if before != after and None not in (before, after) and not isinstance(before, dict | list):
        assert differences({"x": before}, {"x": after}) == {"x": (before, after)}


@given(st.lists(st.tuples(st.uuids().map(str), TEXT), unique_by=lambda one: one[0]))
def test_every_schedule_has_a_name_of_its_own_that_does_not_depend_on_later_ones(titles: list[tuple[str, str]]) -> None:
    names = named(titles, {})
    assert len(set(names.values())) == len(titles)
    assert all(slug(name) == name for name in names.values())
    again = named(titles, dict.fromkeys((key for key, _ in titles), "same"))
    assert len(set(again.values())) == len(titles)
    some = titles[: len(titles) // 2]
    assert named(some, {}) == {key: names[key] for key, _ in some}


@pytest.mark.parametrize(
    ("given", "place", "code"),
    [
        ({"spec.settings.credentials.password": "hush"}, "spec.settings.credentials.password", "inline_secret"),
        ({"spec.settings.from_address": {"from_env": "X"}}, "spec.settings.from_address", "no_secret"),
    ],
)
def test_security_a_secret_in_a_document_is_refused_by_name_and_never_repeated(
    given: dict[str, Any], place: str, code: str
) -> None:
    settings: dict[str, Any] = {"from_address": "a@example.com", "credentials": {"smtp_server": "mail"}}
    wanted = documents.document("connection", "smtp", {"kind": "email", "settings": settings})
    for at, value in given.items():
        inner: Any = wanted
        *before, last = at.split(".")
        for part in before:
            inner = inner[part]
        inner[last] = value
    found = read(0, wanted, timezone="UTC")
    assert [(fault.field, fault.code) for fault in found.faults] == [(place, code)]
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("word", "instead", "place"),
    [("timming", "timing", "spec.timming"), ("destination", "destinations", "spec.destination")],
)
def test_an_unknown_key_suggests_the_nearest(word: str, instead: str, place: str) -> None:
    wanted = documents.schedule()
    wanted["spec"][word] = wanted["spec"].pop(instead)
    told = {fault.field: fault.remedy for fault in read(0, wanted, timezone="UTC").faults}
    assert f"'{instead}'" in told[place]


def test_a_fault_in_a_file_has_its_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        "apiVersion: mailroom/v1\nkind: team\nname: a\nspec:\n  name: A\n---\nkind: team\nspec:\n    nam: B\n"
    )
    found = load([tmp_path])
    assert found.problems == []
    assert found.sources[1].at("spec.nam") == f"{file}:9:5"
    file.write_text("kind: team\nspec: [a\nname: b\n")
    (problem,) = load([tmp_path]).problems
    assert problem.place.startswith(f"{file}:3:")
    with pytest.raises(YamlProblem):
        read_all("[" * 5000)


def test_a_report_has_its_queries_in_files_beside_it_or_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "orders.sql").write_text("SELECT 1\n")
    wanted = documents.report()
    wanted["spec"]["source"]["queries"] = {"orders": {"file": "orders.sql"}}
    (tmp_path / "orders.yaml").write_text(written(wanted))
    folder = tmp_path / "sales"
    folder.mkdir()
    (folder / "report.yaml").write_text(
        "title: Sales\nformats: [csv]\nsource: {kind: sql, connection: db, queries: {all: {file: all.sql}}}\n"
    )
    (folder / "all.sql").write_text("SELECT 2\n")
    found = load([tmp_path])
    queries = {one.label: one.data["spec"]["source"]["queries"] for one in found.sources}
    assert queries == {"report/orders": {"orders": "SELECT 1\n"}, "report/sales": {"all": "SELECT 2\n"}}


def test_security_a_document_takes_no_file_from_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "outside.sql").write_text("hush")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.sql").symlink_to(tmp_path / "outside.sql")
    wanted = documents.report()
    wanted["spec"]["source"]["queries"] = {"a": {"file": "../outside.sql"}, "b": {"file": "link.sql"}}
    (root / "orders.yaml").write_text(written(wanted))
    found = load([root])
    assert len(found.problems) == 2
    assert all(one.place.startswith(str(root / "orders.yaml")) for one in found.problems)
    assert "hush" not in str(found.sources)


def test_secrets_come_out_of_the_environment_by_their_own_name_or_the_one_they_say() -> None:
    spec = {"kind": "email", "settings": {"credentials": {"password": {"from_env": "PW"}}, "oauth": {"secret": True}}}
    source = Source(Path("a.yaml"), documents.document("connection", "corp-smtp", spec))
    variable = variable_of("corp-smtp", "oauth")
    assert variable == "MAILROOM_CONNECTION_CORP_SMTP_OAUTH"
    found, notices = secrets_of([source], {"PW": "x", variable: "y"})
    assert found == {"corp-smtp": {"credentials.password": "x", "oauth": "y"}}
    assert notices == []
    assert len(secrets_of([source], {})[1]) == 1


def test_a_secret_that_is_neither_sent_nor_stored_is_missing() -> None:
    settings = {"credentials": {"smtp_server": "mail", "password": {"secret": True}}}
    found = resolve(settings, {}, None)
    assert (found.missing, found.settings["credentials"]["password"]) == (("credentials.password",), "")
    assert resolve(settings, {"credentials.password": "x"}, None).missing == ()


def test_many_documents_are_sent_in_order_in_groups() -> None:
    sources = [Source(Path("a"), documents.schedule(f"s-{number}")) for number in range(450)]
    sources.append(Source(Path("a"), documents.calendar()))
    groups = list(chunks(in_order(sources)))
    assert groups[0][0].label == "calendar/office"
    assert [len(one) for one in groups] == [MOST_DOCUMENTS, MOST_DOCUMENTS, 51]
