"""Charts by Vega-Lite, from specifications that are all our own: a definition chooses, it never writes one.

Values are inline, under keys of ours (`x`, `v`, `s`, `i`), so that a column's name is never more than a title. The
renderer could read files and fetch addresses; `refuse_outside` makes sure that nothing ever asks it to.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from mailroom.rendering.document import values
from mailroom.rendering.document.model import Chart
from mailroom.reports.errors import RenderFailed

# Okabe and Ito's colours, which readers with any colour vision tell apart, on white and in print.
PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A5C99", "#5F6B76"]
INK, MUTED, GRID = "#1F2933", "#52606D", "#E4E7EB"
WIDTH, HEIGHT, LETTERS = 640, 250, 11
NARROW_WIDTH, NARROW_HEIGHT, LARGE_LETTERS = 380, 220, 13
"""Measure the picture in a mail by these: a telephone shows it at half its width."""
_MARKS: dict[str, dict[str, Any]] = {
    "bar": {"type": "bar", "cornerRadiusEnd": 2},
    "stacked_bar": {"type": "bar"},
    "horizontal_bar": {"type": "bar", "cornerRadiusEnd": 2},
    "line": {"type": "line", "strokeWidth": 2},
    "area": {"type": "area", "opacity": 0.75, "line": {"strokeWidth": 1.6}},
}


def svg(chart: Chart, font: str = "Roboto, Arial, sans-serif") -> str:
    """Return the chart as SVG, about 720 x 330 px."""
    import vl_convert  # noqa: PLC0415 - starts a JavaScript engine: only for reports with charts

    drawn: str = vl_convert.vegalite_to_svg(specification(chart, font), allowed_base_urls=[])
    return drawn


def png(chart: Chart) -> bytes:
    """Return the chart as PNG for mail readers: narrow with large letters, and at twice its size in pixels."""
    import vl_convert  # noqa: PLC0415 - see above

    drawn: bytes = vl_convert.vegalite_to_png(specification(chart, is_narrow=True), scale=2, allowed_base_urls=[])
    return drawn


def specification(chart: Chart, font: str = "Roboto, Arial, sans-serif", *, is_narrow: bool = False) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart."""
    split = len(chart.y) > 1 or bool(chart.series)
    category, amount = _category(chart), _amount(chart)
    encoding: dict[str, Any] = {"x": category, "y": amount}
    if chart.chart == "horizontal_bar":
        encoding = {"y": category, "x": amount}
    if split:
        title = {"title": chart.series} if chart.series else {"title": None}
        encoding["color"] = {"field": "s", "type": "nominal", "scale": {"range": PALETTE}, "sort": None, **title}
        if amount["stack"]:  # From the axis outwards as the columns stand; without this, by the series' names.
            encoding["order"] = {"field": "i", "type": "quantitative"}
        if chart.chart in ("bar", "horizontal_bar"):
            encoding["xOffset" if chart.chart == "bar" else "yOffset"] = {"field": "s", "sort": None}
    spec: dict[str, Any] = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": NARROW_WIDTH if is_narrow else WIDTH,
        "height": {"step": 24} if chart.chart == "horizontal_bar" else NARROW_HEIGHT if is_narrow else HEIGHT,
        "background": "white",
        "data": {"values": _points(chart)},
        "mark": _MARKS[chart.chart] | ({} if split else {"color": PALETTE[0]}),
        "encoding": encoding,
        "config": _config(font, LARGE_LETTERS if is_narrow else LETTERS),
    }
    refuse_outside(spec)
    return spec


def refuse_outside(spec: Any) -> None:
    """Refuse a specification that could make the renderer look outside: any `url` or `href` key, any image mark.

    Raises:
        RenderFailed: it holds one.
    """
    if isinstance(spec, list):
        for item in spec:
            refuse_outside(item)
    if not isinstance(spec, dict):
        return
    for key, value in spec.items():
        mark = value.get("type") if key == "mark" and isinstance(value, dict) else value
        if key in ("url", "href") or (key == "mark" and mark == "image"):
            raise RenderFailed(f"The chart asks for something outside the report ('{key}').", remedy="Remove it.")
        refuse_outside(value)


def _is_time(chart: Chart) -> bool:
    return chart.chart in ("line", "area") and all(
        values.as_moment(point[0]) is not None for point in chart.points if point[0] is not None
    )


def _is_measure(chart: Chart) -> bool:
    return chart.chart in ("line", "area") and chart.x.kind in ("integer", "decimal")


def _points(chart: Chart) -> list[dict[str, Any]]:
    texts = [row[0] for row in chart.data.cells]
    time, measure = _is_time(chart), _is_measure(chart)
    points: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for row, text in zip(chart.points, texts, strict=True):
        x: Any = _utc(row[0]) if time else values.plain_json(row[0]) if measure else text
        if chart.series:
            name = str(row[2])
            points.append({"x": x, "v": _amount_of(row[1]), "s": name, "i": places.setdefault(name, len(places))})
            continue
        points += [
            {"x": x, "v": _amount_of(value), "s": head.title, "i": place}
            for place, (head, value) in enumerate(zip(chart.y, row[1:], strict=True))
        ]
    return points


def _amount_of(value: Any) -> float | None:
    return float(value) if values.is_number(value) else None


def _utc(value: Any) -> str | None:
    """Return a time marked as UTC, as the axis is, so that it is drawn as it is written."""
    moment = values.as_moment(value)
    if isinstance(moment, datetime):
        return f"{moment.replace(tzinfo=None).isoformat()}Z"
    return f"{moment.isoformat()}T00:00:00Z" if isinstance(moment, date) else None


def _category(chart: Chart) -> dict[str, Any]:
    axis = {"title": chart.x.title, "labelAngle": 0, "labelOverlap": True, "labelLimit": 200}
    if chart.chart == "horizontal_bar":
        return {"field": "x", "type": "nominal", "sort": None, "axis": {**axis, "title": None}}
    if _is_time(chart):
        style = {"title": None, **_time_format(chart)}
        return {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "axis": {**axis, **style}}
    if _is_measure(chart):
        return {"field": "x", "type": "quantitative", "scale": {"zero": False}, "axis": axis}
    return {"field": "x", "type": "nominal", "sort": None, "axis": axis}


def _time_format(chart: Chart) -> dict[str, str]:
    """Return the axis format: days as `4 Mar`, or `Mar 2013` over most of a year; Vega formats times of day."""
    moments = [moment for point in chart.points if (moment := values.as_moment(point[0]))]
    if not moments or any(isinstance(moment, datetime) for moment in moments):
        return {}
    return {"format": "%b %Y" if (max(moments) - min(moments)).days > 300 else "%-d %b"}


def _amount(chart: Chart) -> dict[str, Any]:
    titles = [head.title for head in chart.y]
    axis: dict[str, Any] = {"title": titles[0] if len(titles) == 1 else None, "tickCount": 5}
    if chart.y[0].axis:
        axis["format"] = chart.y[0].axis
    stack = chart.chart == "stacked_bar" or (chart.chart == "area" and (len(chart.y) > 1 or bool(chart.series)))
    return {"field": "v", "type": "quantitative", "axis": axis, "stack": "zero" if stack else None}


def _config(font: str, letters: int) -> dict[str, Any]:
    return {
        "font": font,
        "view": {"stroke": None},
        "axis": {
            "labelColor": MUTED, "labelFontSize": letters, "titleColor": MUTED, "titleFontSize": letters,
            "titleFontWeight": "normal", "gridColor": GRID, "domain": False, "ticks": False, "labelPadding": 6,
        },
        "axisX": {"grid": False, "domain": True, "domainColor": "#9AA5B1"},
        "legend": {
            "orient": "top", "direction": "horizontal", "labelColor": INK, "labelFontSize": letters,
            "titleColor": MUTED, "titleFontSize": letters, "titleFontWeight": "normal", "symbolType": "square",
        },
        "bar": {"discreteBandSize": {"band": 0.75}},
    }  # fmt: skip
