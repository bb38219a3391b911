"""Each line of the checklist of malicious input has a test with its number, or waits for something.

The checklist has 48 lines: 1–10 hosts, 11–22 templates, paths and content, 23–30 authorization, 31–35 login and web,
36–41 secrets and transport, 42–48 schedules. docs/security.md says what they are about.
"""

from __future__ import annotations

import re

from mailroom.settings import CHECKOUT

LINES = range(1, 49)
NAMED = re.compile(r"^ *(?:async )?def test_(?:security_)?(\d\d)(?:_to_(\d\d))?_", re.MULTILINE)

# Lines that no test may be asked for yet, and why. Whoever builds what is missing takes the line off.
WAITING: dict[int, str] = {}


def numbers(source: str) -> set[int]:
    """Return the lines that the tests of this source are named by."""
    found: set[int] = set()
    for first, last in NAMED.findall(source):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def covered() -> dict[int, list[str]]:
    """Return the files with a test for each line."""
    found: dict[int, list[str]] = {}
    for file in sorted((CHECKOUT / "tests").rglob("test_*.py")):
        for number in numbers(file.read_text()):
            found.setdefault(number, []).append(str(file.relative_to(CHECKOUT)))
    return found


def test_each_line_has_a_test_or_waits_with_a_reason() -> None:
    there = covered()
    assert set(there) | set(WAITING) == set(LINES), "name a test by the line, or say what the line waits for"
    assert all(reason.endswith(".") for reason in WAITING.values())
    assert not set(there) & set(WAITING), "take a line that has a test off those that wait"


def test_lines_are_known_by_the_names_of_tests() -> None:
    in_a_class = "class Some:\n    async def test_29_keys(self) -> None: ...\n"
    assert numbers(f"def test_security_01_to_03_hosts() -> None: ...\n\n{in_a_class}") == {1, 2, 3, 29}
    assert numbers("def test_security_own_hosts() -> None: ...\ndef testing_12_x() -> None: ...") == set()
