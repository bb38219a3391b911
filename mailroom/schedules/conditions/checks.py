"""Refuse a condition that its report can never answer, when the schedule is saved.

Which columns a query has is only known from its rows: they are asked about where the report, as it is, was rendered
lately. Otherwise the first run says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Fault
from mailroom.executions.conditions.spec import Condition
from mailroom.rendering import repository as renderings
from mailroom.reports.spec import HttpSource, ReportDefinition

_MOST_NAMED = 20


def condition_faults(condition: Condition, definition: ReportDefinition) -> list[Fault]:
    """Return what of a condition its report does not have. Pure."""
    if condition.rule not in ("no_rows", "threshold"):
        return []
    source = definition.source
    if not definition.query_names or (isinstance(source, HttpSource) and source.pass_on):
        return [
            Fault(
                "condition.send_if",
                f"cannot be '{condition.send_if}': the report passes on files as they are; their rows are not known.",
                "Choose always or changed.",
                code="no_rows_to_ask",
            )
        ]
    threshold = condition.threshold
    if threshold is None or threshold.query in definition.query_names:
        return []
    message = f"names the query '{threshold.query}', which the report does not have."
    return [Fault("condition.threshold.query", message, _choose(definition.query_names), code="no_query")]


async def column_faults(session: AsyncSession, condition: Condition, definition: ReportDefinition) -> list[Fault]:
    """Return whether a threshold names a column that the report is known not to have."""
    threshold = condition.threshold
    if threshold is None or threshold.query not in definition.query_names:
        return []
    names = (await known_columns(session, definition)).get(threshold.query, ())
    if not names or threshold.column in names:
        return []
    message = f"names the column '{threshold.column}', which the query '{threshold.query}' does not have."
    near = get_close_matches(threshold.column, names, n=1)
    remedy = f"Did you mean '{near[0]}'? {_choose(names)}" if near else _choose(names)
    return [Fault("condition.threshold.column", message, remedy, code="no_column")]


async def known_columns(session: AsyncSession, definition: ReportDefinition) -> Mapping[str, Sequence[str]]:
    """Return the columns of each query, as they were when the report, as it is now, was last rendered."""
    facts = await renderings.latest_facts(session, definition.id, definition.version)
    return {name: query.names for name, query in facts.queries.items()}


def _choose(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _MOST_NAMED else ""
    return f"Choose from: {', '.join(names[:_MOST_NAMED])}{more}."
