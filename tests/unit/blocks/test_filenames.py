from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import safe_filename, safe_relative_path


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht März.csv", "Übersicht März.csv"),
        ("../../etc/passwd", "..-..-etc-passwd"),
        ("a\\b:c*?.txt", "a-b-c--.txt"),
        ("..", "file"),
        ("", "file"),
        ("-rf", "rf"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("Com1.pdf", "_Com1.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nb\u2028c\0.pdf", "a  b c.pdf"),
        ("trailing. ", "trailing"),
        ("e\u0301.csv", "é.csv"),
        ('"\x850', "0"),
        ("- \u00a0-0 .\u00a0", "0"),
    ],
)
def test_security_15_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


def test_security_14_long_name_keeps_its_extension() -> None:
    cut = safe_filename("ü" * 300 + ".xlsx")
    assert cut.endswith(".xlsx")
    assert 250 <= len(cut.encode()) <= 255


@given(st.text(max_size=400))
def test_security_14_to_15_every_safe_name_is_a_safe_path(name: str) -> None:
    safe = safe_filename(name)
    assert str(safe_relative_path(safe)) == safe
    assert safe_filename(safe) == safe
    assert unicodedata.is_normalized("NFC", safe)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/./b",
        "a//b",
        "a/",
        "%2e%2e/x",
        "a/%2E%2e/x",
        "a%2fb",
        "..\\x",
        "a\\b",
        "C:/x",
        "c:x",
        "a\0b",
        "a\nb",
        "a\u2028b",
        "a\u202eb",
        "CON",
        "out/nul.txt",
        "-rf/x",
        "a/-x",
        "a/" + "x" * 256,
        "ü" * 128,
        "x/" * 600 + "x",
        "a/b. ",
    ],
)
def test_security_14_to_15_dangerous_paths_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        safe_relative_path(path, field="path")
    assert caught.value.field == "path"
    assert caught.value.remedy


@pytest.mark.parametrize(("path", "words"), [("a/-x", "starts with a dash"), ("../x", "leaves its folder")])
def test_refusal_says_what_is_wrong(path: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        safe_relative_path(path)


def test_security_15_paths_are_nfc() -> None:
    assert str(safe_relative_path("Ma\u0308rz/e\u0301.csv")) == "März/é.csv"
