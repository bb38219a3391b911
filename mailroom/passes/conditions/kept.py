"""Say what an execution keeps of its data for as long as its record: no texts of the data, only counts and extremes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from mailroom.rendering.document.answers import needs_of
from mailroom.rendering.facts.model import ColumnFacts, DataFacts, QueryFacts
from mailroom.rendering.service import RenderedReport, RenderRequest
from mailroom.schedules.spec import ScheduleSpec
from mailroom.storage.tables import Artifact, Json

MOST_COLUMNS = 20
"""Extremes of so many columns are kept with an execution."""


class DataKept(BaseModel):
    """The data of an execution, as far as conditions ask about it.

    Attributes:
        basis: digests the report and the parameters as the schedule had them: only data of one basis is compared.
        digest: of the data; of the files, where the report passes them on as they came.
        rows: of the report's data query; None where they were not counted.
        some: whether the data query has a row; None where it was not read.
    """

    model_config = ConfigDict(frozen=True)

    basis: str
    digest: str | None = None
    rows: int | None = None
    some: bool | None = None
    facts: DataFacts = DataFacts()

    def stored(self) -> Json:
        """Return it as the execution's row keeps it: without texts of the data, and of the first columns only."""
        return self.model_copy(update={"facts": _bounded(self.facts)}).model_dump(mode="json", exclude_defaults=True)


def kept_of(
    spec: ScheduleSpec, request: RenderRequest, report: RenderedReport, artifacts: Sequence[Artifact]
) -> DataKept:
    """Return what is known of the data that was rendered. Pure."""
    facts = report.facts
    known = facts.queries.get(request.definition.data_query or "")
    rows = report.rows
    if rows is None and known is not None and (known.whole is not None or known.rows == 0):
        rows = known.rows
    some = None if rows is None and known is None else bool(rows or (known and known.rows))
    return DataKept(
        basis=basis_of(spec), digest=_digest(request, facts, artifacts), rows=rows, some=some, facts=_first(spec, facts)
    )


def basis_of(spec: ScheduleSpec) -> str:
    """Return the digest of what data has to have in common to be compared."""
    text = json.dumps([spec.report_id, spec.parameters], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _digest(request: RenderRequest, facts: DataFacts, artifacts: Sequence[Artifact]) -> str | None:
    """Return the digest of what the report shows of each query, whoever else's rendering it shares."""
    names = request.definition.query_names
    if not facts.queries:
        # Files that came as they are have no other data. Of a rendering by an earlier version nothing is known.
        is_passed_on = not names or getattr(request.definition.source, "pass_on", False)
        files = sorted([file.filename, file.sha256] for file in artifacts)
        return _hashed(files) if is_passed_on and files else None
    needs = needs_of(request.definition, list(request.formats), set(names))
    parts = []
    for name in sorted(needs):
        query = facts.queries.get(name)
        digest = None if query is None else query.whole if needs[name].all_rows else query.head
        if digest is None:
            return None
        parts.append([name, digest])
    return _hashed(parts)


def _hashed(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _first(spec: ScheduleSpec, facts: DataFacts) -> DataFacts:
    """Put the column that the schedule's own condition is about before the others, so that it is kept in any case."""
    threshold = spec.condition.threshold
    if threshold is None or threshold.query not in facts.queries:
        return facts
    query = facts.queries[threshold.query]
    columns = sorted(query.columns, key=lambda column: column.name != threshold.column)
    first = query.model_copy(update={"columns": tuple(columns)})
    others = {name: one for name, one in facts.queries.items() if name != threshold.query}
    return facts.model_copy(update={"queries": {threshold.query: first, **others}})


def _bounded(facts: DataFacts) -> DataFacts:
    room, queries = MOST_COLUMNS, {}
    for name, query in facts.queries.items():
        columns = tuple(_without_texts(column) for column in query.columns[:room])
        room -= len(columns)
        queries[name] = QueryFacts(rows=query.rows, whole=query.whole, names=query.names[:60], columns=columns)
    return DataFacts(queries=queries, answered=facts.answered)


def _without_texts(column: ColumnFacts) -> ColumnFacts:
    """Return the facts of a column without texts; those that begin with a date are kept as their days."""
    if not column.texts:
        return column
    ends = [one[:10] for pair in (column.day, column.text if column.iso else None) if pair for one in pair]
    change: dict[str, object] = {"text": None, "iso": False, "distinct": None}
    if column.iso and column.text is not None:
        change |= {"texts": 0, "days": column.days + column.texts, "day": (min(ends), max(ends))}
    return column.model_copy(update=change)
