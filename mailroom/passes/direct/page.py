"""Say above the table of deliveries in Prefect's UI what a direct run has made, and how it ended. Pure."""

from __future__ import annotations

from mailroom.executions.reason_words import words
from mailroom.passes.direct.order import Order
from mailroom.passes.outcome import Outcome
from mailroom.passes.run_page import cell
from mailroom.rendering.job import RenderResult


def description(order: Order, outcome: Outcome, result: RenderResult | None, note: str) -> str:
    """Return the description of the artifact as Markdown: the outcome, the files, and what readers must know.

    Args:
        result: None where nothing was rendered.
        note: a sentence about the files of this pass; empty where there is none.
    """
    lines = [f"**{cell(order.definition.title)}**: {outcome.state}. {cell(words(outcome.reason))}"]
    if note:
        lines += ["", note]
    if result is not None and result.files:
        lines += ["", "| File | Size | Rows | SHA-256 |", "|---|---:|---:|---|"]
        lines += [
            f"| {cell(file.filename)} | {file.size:,} | {'' if file.rows is None else f'{file.rows:,}'} "
            f"| {file.sha256[:16]} |"
            for file in result.files
        ]
        lines += ["", *(f"- {cell(notice)}" for notice in result.notices)]
    return "\n".join(lines)
