"""The style: contrast of its colours, and its size."""

from __future__ import annotations

import re
from itertools import product

import pytest

from api.web.assets import pack

TOKENS = (pack.SOURCES / "css/tokens.css").read_text(encoding="utf-8")
TONES = ("ok", "run", "wait", "warn", "bad", "off")
GROUNDS = ("bg", "surface", "sunken")
PAIR = re.compile(r"--([a-z-]+):light-dark\((#[0-9a-f]{3,6}),(#[0-9a-f]{3,6})\)")


def colours(scheme: int) -> dict[str, str]:
    """Return the colour of each token in the light (0) or the dark scheme (1)."""
    return {name: (light, dark)[scheme] for name, light, dark in PAIR.findall(TOKENS)}


def luminance(colour: str) -> float:
    """Return the relative luminance that WCAG 2 defines."""
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def least(scheme: int, fronts: tuple[str, ...], grounds: tuple[str, ...]) -> float:
    """Return the least contrast of some colours on some grounds."""
    known = colours(scheme)
    return min(contrast(known[front], known[ground]) for front, ground in product(fronts, grounds))


@pytest.mark.parametrize(
    ("fronts", "grounds", "light", "dark"),
    [
        (("text",), GROUNDS, 14.3, 14.1),
        (("muted",), GROUNDS, 5.6, 7.7),
        (("accent",), GROUNDS, 5.6, 7.6),
        (("on-accent",), ("accent",), 6.4, 8.2),
        (("control",), GROUNDS, 3.4, 4.9),
        (("focus",), GROUNDS, 5.6, 9.8),
        (("ok",), ("ok-bg",), 5.8, 7.9),
        (("run",), ("run-bg",), 5.4, 7.4),
        (("wait",), ("wait-bg",), 5.6, 7.3),
        (("warn",), ("warn-bg",), 6.5, 8.2),
        (("bad",), ("bad-bg",), 6.1, 7.5),
        (("off",), ("off-bg",), 5.6, 6.5),
        (tuple(f"{tone}-mark" for tone in TONES), ("sunken",), 3.4, 5.6),
        (("text",), tuple(f"{tone}-bg" for tone in TONES), 12, 10),
        (("bad",), GROUNDS, 4.5, 4.5),
    ],
)
def test_the_contrast_is_what_the_design_promises(
    fronts: tuple[str, ...], grounds: tuple[str, ...], light: float, dark: float
) -> None:
    assert round(least(0, fronts, grounds), 1) >= light
    assert round(least(1, fronts, grounds), 1) >= dark


def test_each_tone_has_its_three_colours() -> None:
    known = colours(0)
    assert {f"{tone}{part}" for tone in TONES for part in ("", "-bg", "-mark")} <= set(known)


def test_every_colour_of_the_style_is_a_token() -> None:
    """A product that embeds the pages can change them all; white paper and print are the exceptions."""
    for name in pack.STYLES[1:]:
        sheet = (pack.SOURCES / "css" / f"{name}.css").read_text(encoding="utf-8")
        found = re.findall(r"#[0-9a-f]{3,8}\b", sheet)
        assert set(found) <= {"#fff", "#999"}, f"{name}.css has colours of its own"
