"""A mail has words around the report: its own text, the line about it, and the body for old mail programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.group import PATIENCE, goes_out
from prefect_mailroom.channels.email.texts.footer import footer_of
from prefect_mailroom.channels.email.texts.light import light
from prefect_mailroom.channels.email.texts.moments import moment_words, size_words
from tests.unit.blocks.email.conftest import a_parcel, body_of, mail_of

UNSUBSCRIBE = "https://reports.example.com/unsubscribe/0123456789abcdef"


def line_of(**changes: Any) -> str:
    parcel = a_parcel(**changes)
    assert isinstance(parcel.destination, EmailDestination)
    return footer_of(parcel, parcel.destination).plain


def test_both_parts_say_why_who_what_when_and_how_to_stop_it() -> None:
    mail = mail_of(a_parcel(unsubscribe_url=UNSUBSCRIBE))
    for kind in ("plain", "html"):
        said = " ".join(body_of(mail, kind).split())
        for fact in ("EMEA weekly", "Ada Lovelace", "bob@example.com", "Region: EMEA", "Mon 9 Feb 2026, 09:00 CET",
                     "Mon 16 Feb 2026, 09:00 CET", UNSUBSCRIBE):  # fmt: skip
            assert fact in said, fact
        assert said.index("Größe") < said.index("EMEA weekly")


def test_without_an_address_to_unsubscribe_at_the_owner_is_written_to() -> None:
    assert line_of().endswith("write to ada@example.com")
    assert '<a class="mr-link" href="mailto:ada@example.com"' in body_of(mail_of(a_parcel()), "html")
    robot = line_of(facts={"owner": {"name": "Robot", "email": ""}})
    assert "Robot" in robot
    assert "stop" not in robot


def test_a_hidden_recipient_is_named_nowhere() -> None:
    parcel = a_parcel(to=["bob@example.com"], bcc=["eve@example.com"], recipient="eve@example.com")
    assert "eve" not in str(mail_of(parcel))
    assert "to you by" in line_of(to=[], bcc=["eve@example.com"])


def test_a_last_one_says_so_and_an_unknown_next_one_nothing() -> None:
    assert "No further one" in line_of(facts={"next_due_at": None})
    parcel = a_parcel()
    assert isinstance(parcel.destination, EmailDestination)
    unknown = replace(parcel, facts={name: fact for name, fact in parcel.facts.items() if name != "next_due_at"})
    assert "one" not in footer_of(unknown, parcel.destination).plain


def test_many_or_long_filters_do_not_fill_the_mail() -> None:
    line = line_of(facts={"filters": {f"F{number}": "x" * 500 for number in range(40)}})
    assert len(line) < 1_500
    assert "and 32 more" in line


def test_a_test_says_whose_schedule_it_tries_and_a_trial_has_no_line() -> None:
    assert "only you get it" in line_of(is_test=True)
    parcel = a_parcel()
    assert isinstance(parcel.destination, EmailDestination)
    trial = type(parcel)(key="t", attempt=1, recipient="x", destination=parcel.destination, facts={"test": True})
    assert footer_of(trial, parcel.destination).plain == ""


def test_security_21_facts_are_escaped() -> None:
    hostile = {"owner": {"name": "<script>", "email": "ada@example.com"}, "filters": {"<b>": "<i>"}}
    html = body_of(mail_of(a_parcel(facts=hostile, text="<u>{param_name}</u>")), "html")
    for tag in ("<script", "<b>", "<i>", "<u>", "<Ada"):
        assert tag not in html
    assert "&lt;script&gt;" in html


def test_blocks_go_where_the_reports_html_wants_them() -> None:
    html = "<html><body><p>a</p><!-- mailroom:top --><p>b</p><!-- mailroom:end --><p>c</p></body></html>"
    body = body_of(mail_of(a_parcel(html=html, images=(), text="Dear team")), "html")
    order = [body.index(mark) for mark in ("<p>a</p>", "Dear team", "<p>b</p>", "EMEA weekly", "<p>c</p>")]
    assert order == sorted(order)
    assert "mailroom:" not in body
    bare = body_of(mail_of(a_parcel(html="<p>b</p>", images=(), text="Dear team")), "html")
    assert bare.index("Dear team") < bare.index("<p>b</p>") < bare.index("EMEA weekly")


def test_the_light_body_keeps_words_and_tables_alone() -> None:
    html = (
        "<html><head><title>t</title><style>p { color: red }</style></head><body>"
        '<div style="display: none">Hidden</div>'
        '<table role="presentation"><tr><td><h1 style="color: red">Sales &amp; more</h1></td></tr>'
        '<tr><td><div>Flights</div><div style="font-weight: 600">1,234</div></td></tr></table>'
        '<img src="cid:chart-1" alt="Sales by day"><img src="https://evil.example.com/p.gif">'
        '<div><table class="rows"><thead><tr><th>Day</th><th align="right">n</th></tr></thead>'
        '<tbody><tr><td style="x: y">1 &lt; 2</td><td align="right">7</td></tr></tbody></table></div>'
        '<a href="javascript:alert(1)">bad</a><script>alert(2)</script></body></html>'
    )
    body = light(html)
    assert "<h1>Sales &amp; more</h1>" in body
    assert "Flights<br><b>1,234</b>" in body
    assert "<p>Sales by day</p>" in body
    assert '<td align="left">1 &lt; 2</td><td align="right">7</td>' in body
    assert body.count("<table") == 1
    for gone in ("style", "class", "Hidden", "color", "<img", "evil", "javascript", "alert", "role"):
        assert gone not in body, gone


def test_the_light_body_of_a_mail_has_text_and_line_too() -> None:
    body = body_of(mail_of(a_parcel(body="light", text="Dear {param_name}")), "html")
    assert body.index("Dear &lt;Ada&gt;") < body.index("Größe") < body.index("EMEA weekly")
    assert "style=" not in body
    assert body.count("<html") == body.count("</body>") == 1


@pytest.mark.parametrize(
    ("refusals", "attempt", "goes"),
    [
        ([], 1, True),
        ([550], 1, True),
        ([450], 1, False),
        ([450], PATIENCE, True),
        ([550, 450], 1, False),
        ([550, 550, 550], 1, False),
        ([450, 450, 450], PATIENCE, False),
    ],
)
def test_a_group_goes_out_without_those_who_cannot_get_it(refusals: list[int], attempt: int, goes: bool) -> None:
    assert goes_out(refusals, 3, attempt=attempt) is goes


def test_times_and_sizes_in_words() -> None:
    assert moment_words("2026-07-01T08:00:00+00:00", "Asia/Kathmandu") == "Wed 1 Jul 2026, 13:45 UTC+05:45"
    assert moment_words(None, "Europe/Berlin") == ""
    assert [size_words(size) for size in (999, 1_000, 24_100_000)] == ["999 bytes", "1 kB", "24.1 MB"]
