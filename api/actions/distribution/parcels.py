"""Make the parcel of a schedule that somebody is writing: its real report, with today's data, for one destination."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from api.actions.caller import Caller
from api.actions.distribution.written import Situation, WrittenSchedule
from api.actions.reports.actions import begin_preview
from mailroom.errors import Invalid
from mailroom.passes.planned.sample import Sample, sample_parcel
from mailroom.rendering import previews
from mailroom.reports.parameters import ParametersInvalid, resolve_parameters
from prefect_mailroom.channels.base import Destination, Parcel


@dataclass(frozen=True, slots=True)
class Made:
    """A parcel, and how long its report took to make, in seconds."""

    parcel: Parcel
    seconds: float


@asynccontextmanager
async def made(
    caller: Caller, wanted: WrittenSchedule, found: Situation, target: Destination, *, is_test: bool
) -> AsyncIterator[Made]:
    """Render the report and make the parcel of it; its files are there while the context lasts.

    Args:
        is_test: whether it is for now and marked as a test, rather than for the next due time.

    Raises:
        Invalid: the parameters do not fit the report.
        ConfigurationError: the report is one that cannot be shown before a schedule of it runs.
        NotFound, TooOften, RenderFailed, SourceUnavailable, SourceRefused, Unavailable: it could not be rendered.
    """
    context = caller.context
    due_at = context.now if is_test else found.due[0].at
    try:
        values = resolve_parameters(found.definition.parameters, wanted.parameters, due_at, found.timezone)
    except ParametersInvalid as error:
        raise Invalid.from_configuration(error, "parameters") from error
    definition, source, reader = await caller.transact(partial(begin_preview, caller, wanted.report_id))
    began = time.monotonic()
    async with (
        caller.services.previews,
        previews.rendered(
            definition,
            source,
            values,
            found.formats,
            due_at=due_at,
            timezone=found.timezone,
            settings=context.settings,
            reader=reader,
        ) as result,
    ):
        following = [one.at for one in found.due if one.at > due_at]
        sample = Sample(
            definition, found.name, found.timezone, values, due_at, context.user, following[0] if following else None
        )
        make = partial(sample_parcel, settings=context.settings, now=context.now, is_test=is_test)
        parcel = await asyncio.to_thread(make, sample, result, target)
        yield Made(parcel, time.monotonic() - began)
