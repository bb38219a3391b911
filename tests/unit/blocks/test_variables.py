from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text import variables

DUE = datetime(2026, 2, 9, 9, 5, tzinfo=ZoneInfo("Europe/Berlin"))
VALUES = variables.values(
    report_name="Sales: Q1/Q2",
    report_slug="sales",
    schedule_name="EMEA",
    due=DUE,
    execution_id="e-1",
    window_from=date(2026, 2, 1),
    parameters={"region": "EMEA", "top": 7},
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{report_name} {date}", "Sales: Q1/Q2 2026-02-09"),
        ("{date:%Y/%m}", "2026/02"),
        ("{time} {due}", "09:05 2026-02-09 09:05"),
        ("{due:%H:%M %Z}", "09:05 CET"),
        ("{window_from:%d.%m.%Y}", "01.02.2026"),
        ("{param_region}-{param_top:03d}", "EMEA-007"),
        ("{{literal}} 100 %", "{literal} 100 %"),
    ],
)
def test_expands(template: str, text: str) -> None:
    assert variables.expand(template, VALUES) == text


@pytest.mark.parametrize(
    "template",
    [
        "{''.__class__.__mro__}",
        "{report_name.__class__}",
        "{report_name[0]}",
        "{report_name!r}",
        "{date:{time}}",
        "{date:%Y{time}}",
        "{0}",
        "{}",
        "{ date }",
        "{Date}",
        "{password}",
        "{{{date",
        "open {",
        "{date:%Q}",
        "{date:%H}",
        "{date:>100000000}",
        "{date:%Y" + "x" * 50 + "}",
        "{report_name:>9999999999}",
        "{report_name:%Y}",
        "line\nbreak",
        "line\r\nBcc: x@example.com",
        "sep\u2028arator",
        "bidi\u202egnp.exe",
        "nul\0",
        "x" * 501,
    ],
)
def test_security_11_to_12_what_is_no_plain_variable_is_refused(template: str) -> None:
    with pytest.raises(ConfigurationError):
        variables.validate(template, extra=["param_top"], field="subject")


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as caught:
        variables.validate("{reprot_name}", extra=["param_region"], field="subject")
    assert "{reprot_name}" in str(caught.value)
    assert all(name in str(caught.value) for name in ["report_name", "param_region", "window_to"])
    assert caught.value.field == "subject"


def test_parameter_only_when_given() -> None:
    variables.validate("{param_region}", extra=["param_region"])
    with pytest.raises(ConfigurationError):
        variables.validate("{param_region}")


def test_security_13_number_width_is_bounded() -> None:
    with pytest.raises(ConfigurationError):
        variables.expand("{param_top:0999d}", VALUES)


def test_value_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match="window_to"):
        variables.expand("{window_to}", VALUES)


def test_security_16_values_bring_no_line_breaks_or_bidi() -> None:
    values = {**VALUES, "report_name": "a\r\nBcc: x\u2028b\u202ec\x1b[31m\0"}
    assert variables.expand("{report_name}", values) == "a  Bcc: x bc[31m"


def test_security_12_values_are_not_expanded_again() -> None:
    assert variables.expand("{report_name}", {**VALUES, "report_name": "{execution_id}"}) == "{execution_id}"


def test_security_13_result_is_bounded() -> None:
    with pytest.raises(ConfigurationError, match="1,000"):
        variables.expand("{report_name}", {**VALUES, "report_name": "x" * 1001})


def test_security_14_path_values_make_no_folders() -> None:
    path = variables.expand_path("{date:%Y/%m}/{report_name} {time}.{ext}", variables.for_file(VALUES, "s.PDF"))
    assert str(path) == "2026/02/Sales- Q1-Q2 09-05.pdf"


@pytest.mark.parametrize("value", ["..", "../../etc/passwd", "/etc", "..\\x", "\0", "CON", "-rf", "a/../b"])
def test_security_14_path_values_never_climb(value: str) -> None:
    path = variables.expand_path("out/{report_name}", {**VALUES, "report_name": value})
    assert path.parts[0] == "out"
    assert len(path.parts) == 2
    assert path.parts[1] not in (".", "..", "CON")
    assert not path.parts[1].startswith("-")
