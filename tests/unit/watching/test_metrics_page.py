"""The page of metrics lists exactly the metrics that there are, and every label is explained."""

from __future__ import annotations

import re
from pathlib import Path

from mailroom.watching.counts.names import EDGES
from mailroom.watching.figures.exposition import SHOWN_EDGES
from mailroom.watching.figures.metrics import METRICS

PAGE = (Path(__file__).resolve().parents[3] / "docs/operations/metrics.md").read_text()


def test_the_table_has_every_metric_as_it_is() -> None:
    rows = [f"| `{one.shown}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)}" for one in METRICS]
    wanted = [f"{row} | {one.meaning} |".replace("|  |", "| |") for row, one in zip(rows, METRICS, strict=True)]
    assert re.findall(r"^\| `mailroom_.*$", PAGE, re.MULTILINE) == wanted


def test_every_label_is_explained() -> None:
    explained = {
        label
        for row in re.findall(r"^\| (`[a-z]+`(?:, `[a-z]+`)*) \| ", PAGE, re.MULTILINE)
        for label in row.split(", ")
    }
    assert {f"`{label}`" for metric in METRICS for label in metric.labels} <= explained


def test_names_follow_the_rules_of_prometheus() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"mailroom(_[a-z0-9]+)+", metric.name)
        assert not metric.name.endswith(("_total", "_bucket", "_sum", "_count", "_created"))
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert set(SHOWN_EDGES) <= set(EDGES)
