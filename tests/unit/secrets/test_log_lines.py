"""SECURITY-TESTS 22: what people and servers write forges no line of a log and steers no terminal."""

from __future__ import annotations

import json
import logging

import pytest

from api.http import logs
from mailroom import log_lines

HOSTILE = "Sales\r\nERROR forged line\x1b[2J\x9b2K\u2028next\u202eesrever"


@pytest.mark.parametrize("name", [f"{room}.passes" for room in log_lines.ROOMS])
def test_security_22_a_message_stays_on_its_line(name: str, caplog: pytest.LogCaptureFixture) -> None:
    log_lines.guard()
    log_lines.guard()
    logging.getLogger(name).warning("Rendering of %s failed.", HOSTILE)
    (record,) = [one for one in caplog.records if one.name == name]
    assert record.getMessage().isprintable()
    assert "Sales\\r\\nERROR forged line\\u001b[2J" in record.getMessage()


def test_security_22_an_error_of_a_far_side_makes_up_no_line(caplog: pytest.LogCaptureFixture) -> None:
    log_lines.guard()
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.getLogger("mailroom.passes").exception("It failed.")
    (record,) = [one for one in caplog.records if one.name == "mailroom.passes"]
    first, *rest = logging.Formatter().format(record).split("\n")
    assert first == "It failed."
    assert len(rest) >= 4
    assert all(line.startswith("| ") and line.isprintable() for line in rest)


def test_messages_of_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    log_lines.guard()
    logging.getLogger("somebody.else").warning("two\nlines of %s", "theirs")
    assert [one.args for one in caplog.records if one.name == "somebody.else"] == [("theirs",)]


def test_what_is_harmless_stays_as_it_is() -> None:
    assert log_lines.harmless("Umsätze 2026 – EMEA 日本 😀") == "Umsätze 2026 – EMEA 日本 😀"


def test_security_22_the_api_writes_one_json_line_for_each_record(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.getLogger("mailroom.audit").exception("It failed for %s", HOSTILE)
    # pytest may write the record to the same place; our line is the one that is JSON.
    (line,) = [one for one in capsys.readouterr().err.split("\n") if one.startswith("{")]
    assert line.isascii()
    assert {"event", "level", "timestamp", "exception"} <= set(json.loads(line))
