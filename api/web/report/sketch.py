"""Draw a sketch of a report from its definition, for where there is no picture of its first page. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from mailroom.reports.spec import ChartSection, KeyFiguresSection, ReportDefinition, TableSection, TextSection

WIDTH, HEIGHT = 320, 240
_LEFT, _RIGHT = 24, 296
_INK, _SOFT, _ACCENT, _SHADE = "#1f2933", "#cbd2d9", "#1b4f72", "#f0f3f6"
_BARS = (0.5, 0.8, 0.6, 1.0, 0.7, 0.9, 0.4, 0.65)
_LONGEST_TITLE = 30


def sketch(definition: ReportDefinition) -> str:
    """Return an SVG, always on white paper: the title, and the shape of each section as far as the page goes."""
    # XML has no control characters.
    title = "".join(one for one in definition.title if one.isprintable())
    title = title if len(title) <= _LONGEST_TITLE else f"{title[:_LONGEST_TITLE]}…"
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="36" font-family="Georgia,serif" font-size="17" fill="{_ACCENT}">{escape(title)}</text>',
        f'<path d="M{_LEFT} 46H{_RIGHT}" stroke="{_ACCENT}"/>',
        *_sections(definition),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"{''.join(parts)}</svg>"
    )


def _sections(definition: ReportDefinition) -> Iterator[str]:
    y = 60
    for section in definition.sections:
        if y > HEIGHT - 30:
            return
        match section:
            case TextSection():
                yield from _lines(y, 2)
                y += 34
            case KeyFiguresSection():
                yield from _figures(y, min(4, len(section.columns)))
                y += 50
            case ChartSection():
                yield from _chart(y)
                y += 84
            case TableSection():
                yield from _table(y)
                y += 110
    if not definition.sections:
        yield from _file(definition)


def _lines(y: int, count: int) -> Iterator[str]:
    for number in range(count):
        end = _RIGHT if number < count - 1 else _RIGHT - 80
        yield f'<path d="M{_LEFT} {y + 6 + 12 * number}H{end}" stroke="{_SOFT}" stroke-width="5"/>'


def _figures(y: int, count: int) -> Iterator[str]:
    width = (_RIGHT - _LEFT - 8 * (count - 1)) / count
    for number in range(count):
        x = _LEFT + number * (width + 8)
        yield f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="38" rx="3" fill="{_SHADE}"/>'
        yield f'<path d="M{x + 8:.0f} {y + 12}h{width * 0.4:.0f}" stroke="{_SOFT}" stroke-width="4"/>'
        yield f'<path d="M{x + 8:.0f} {y + 26}h{width * 0.6:.0f}" stroke="{_ACCENT}" stroke-width="8"/>'


def _chart(y: int) -> Iterator[str]:
    step = (_RIGHT - _LEFT) / len(_BARS)
    for number, share in enumerate(_BARS):
        height = 64 * share
        x, top = _LEFT + number * step + 4, y + 68 - height
        yield f'<rect x="{x:.0f}" y="{top:.0f}" width="{step - 8:.0f}" height="{height:.0f}" fill="{_ACCENT}"/>'
    yield f'<path d="M{_LEFT} {y + 68.5}H{_RIGHT}" stroke="{_SOFT}"/>'


def _table(y: int) -> Iterator[str]:
    yield f'<path d="M{_LEFT} {y + 6}H{_RIGHT}" stroke="{_ACCENT}" stroke-width="4"/>'
    for row in range(6):
        at = y + 16 + 16 * row
        if row % 2:
            yield f'<rect x="{_LEFT}" y="{at - 3}" width="{_RIGHT - _LEFT}" height="14" fill="{_SHADE}"/>'
        for column in range(4):
            x = _LEFT + 6 + column * 68
            yield f'<path d="M{x} {at + 4}h{46 - 8 * ((row + column) % 3)}" stroke="{_SOFT}" stroke-width="4"/>'


def _file(definition: ReportDefinition) -> Iterator[str]:
    """Draw a sheet with its format: such a report passes on files that others have made."""
    words = escape(definition.formats[0].upper())
    yield f'<path d="M125 78h48l22 22v104h-70z" fill="{_SHADE}" stroke="{_SOFT}" stroke-width="2"/>'
    yield (
        f'<text x="160" y="158" text-anchor="middle" font-family="sans-serif" font-size="18" font-weight="bold" '
        f'fill="{_INK}">{words}</text>'
    )
