"""Find in the database what an execution sends, where it has been rendered already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.passes.claim import Claimed
from mailroom.passes.conditions.kept import DataKept, kept_of
from mailroom.passes.correcting.request import request_of
from mailroom.passes.planned.plan import Plan, plan_of
from mailroom.rendering import repository as rendering_repository
from mailroom.rendering.service import RenderedReport, RenderRequest, says_enough
from mailroom.reports.spec import ReportDefinition
from mailroom.storage.tables import Artifact, Report, User


class FilesExpired(Exception):
    """The renderings of the first pass are not kept any more, and nothing else may be sent in their place."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Hold what the deliveries of an execution send: its plan, the renderings, and the files in the formats' order.

    `data` is what conditions know of the data; None for a plan that was made before.
    """

    plan: Plan
    report: RenderedReport
    artifacts: Sequence[Artifact]
    data: DataKept | None = None


async def as_planned(session: AsyncSession, plan: Plan) -> Rendered:
    """Return what an earlier pass rendered.

    Raises:
        FilesExpired: a part of it is gone.
    """
    rows = await rendering_repository.by_ids(session, plan.renderings)
    if len(rows) < len(plan.renderings):
        raise FilesExpired
    return await with_artifacts(session, plan, RenderedReport(tuple(rows)))


async def with_artifacts(session: AsyncSession, plan: Plan, report: RenderedReport) -> Rendered:
    """Return a report with its files.

    Raises:
        FilesExpired: one of them is gone.
    """
    artifacts = await rendering_repository.artifacts(session, report.artifact_ids)
    if len(artifacts) < len(report.artifact_ids):
        raise FilesExpired
    return Rendered(plan, report, artifacts)


async def already_there(
    session: AsyncSession, claimed: Claimed, report: Report | None, owner: User | None, *, now: datetime
) -> Rendered | None:
    """Return what the execution sends where all of it exists, and None where anything has to be rendered first.

    Args:
        report: the schedule's report, None where it has none any more.
        owner: the schedule's.
    """
    execution = claimed.execution
    if execution.plan is not None:
        return await as_planned(session, Plan.model_validate(execution.plan))
    if report is None:
        return None
    definition = ReportDefinition.model_validate(report.definition)
    request = await request_of(session, claimed, definition, owner)
    keys = [request.key(piece) for piece in request.pieces]
    # Earlier versions of Mailroom kept files without a plan: those, and no others, are sent, also when they are old.
    begun = bool(execution.artifact_ids or execution.report_version)
    found = await rendering_repository.renderings_of(session, keys, now=None if begun else now)
    if len(found) < len(set(keys)):
        return None
    made = RenderedReport(tuple(found[key] for key in keys))
    if begun and (made.artifact_ids, definition.version) != (execution.artifact_ids, execution.report_version):
        return None
    if not says_enough(made, request):
        return None
    return await with_data(session, claimed, request, made)


async def with_data(
    session: AsyncSession, claimed: Claimed, request: RenderRequest, report: RenderedReport
) -> Rendered:
    """Return a report that has just been rendered with its files, its plan, and what is known of its data.

    Raises:
        FilesExpired: a file is gone.
    """
    found = await with_artifacts(session, plan_of(claimed.schedule, request, report), report)
    return replace(found, data=kept_of(claimed.spec, request, report, found.artifacts))
