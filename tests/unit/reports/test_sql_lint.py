from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.reports.sql_lint import lint, lint_query, parameters_of, tokens


def errors(sql: str, *declared: str) -> list[tuple[int, str]]:
    found = lint_query("main", sql, declared)
    assert all("'main'" in finding.message and finding.remedy for finding in found)
    return [(finding.line, finding.message) for finding in found]


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "SELECT 1;",
        "-- what it is; really\nselect 1 /* ; */ ;\n",
        "with a as (select 1 as n) select * from a",
        "(select 1) union (select 2)",
        "select ';', \"a;b\", 'it''s; fine' from t",
        "select $$;drop table x$$, $tag$;$tag$",
        "select E'\\';' as x",
        'select "update", t.delete, replace(a, b, c), 1 as "into" from t',
        "select x::text, '12:30' from t where a = :a",
    ],
)
def test_reading_passes(sql: str) -> None:
    assert errors(sql, "a") == []


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("", 1, "is empty"),
        ("-- nothing\n;", 1, "is empty"),
        ("select 1;\n\ndelete from t", 1, "second statement"),
        ("select 1\n; commit; drop table t", 2, "second statement"),
        ("select 1 -- x\n;\ndrop table t", 2, "second statement"),
        ("delete from t", 1, "begins with 'delete'"),
        ("\n/* select */ update t set a = 1", 2, "begins with 'update'"),
        ("pragma writable_schema = 1", 1, "begins with 'pragma'"),
        ("attach 'x' as y", 1, "begins with 'attach'"),
        ("values (1)", 1, "begins with 'values'"),
        ("with x as (\n  delete from t returning *\n) select * from x", 2, "DELETE"),
        ("with x as (select 1)\ninsert into t select * from x", 2, "INSERT"),
        ("select *\ninto copy_of_t from t", 2, "INTO"),
        ("select * from t\nfor update", 2, "UPDATE"),
        ("select /* a /* b */ 1", 1, "comment inside another comment"),
        ("select 'a", 1, "never closed"),
        ("select E'\\'' ; drop table x --'", 1, "second statement"),
    ],
)
def test_security_19_everything_else_is_refused_with_its_line(sql: str, line: int, words: str) -> None:
    found = errors(sql)
    assert found
    assert found[0][0] == line
    assert words in found[0][1]


def test_an_undeclared_parameter_is_named_with_the_nearest() -> None:
    found = lint_query("main", "select *\nfrom t\nwhere day >= :form", ["from", "to"])
    assert [(finding.line, finding.severity) for finding in found] == [(3, "error")]
    assert ":form" in found[0].message
    assert ":from" in found[0].remedy


def test_an_unused_parameter_is_a_warning() -> None:
    found = lint({"a": "select :x", "b": "select :y"}, ["x", "y", "z"])
    assert [(finding.severity, finding.query) for finding in found] == [("warning", "a")]
    assert "'z'" in found[0].message


def test_parameters_are_found_outside_texts_only() -> None:
    sql = "select ':a', \":b\", x::c, $$:d$$ -- :e\n, :f /* :g */, :f, '12':h"
    assert parameters_of(sql) == {"f": 2, "h": 2}


@given(st.text(alphabet="ab'\"$;:-/*\\\n eE(", max_size=60))
def test_tokens_are_the_whole_text(sql: str) -> None:
    assert "".join(token.text for token in tokens(sql)) == sql
