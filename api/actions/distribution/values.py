"""Give the variables of texts and paths the values that they would have at the next run."""

from __future__ import annotations

from api.actions.caller import Caller
from api.actions.distribution.written import WrittenSchedule, situation
from mailroom.reports.parameters import ParametersInvalid, resolve_parameters, with_defaults
from mailroom.schedules.texts.values import values_at
from prefect_mailroom.text.formats import Value
from prefect_mailroom.text.variables import for_file


async def sample_values(caller: Caller, wanted: WrittenSchedule) -> dict[str, Value]:
    """Return the value of each variable at the next due time, those of the first file included.

    Raises:
        Invalid: the report or calendar does not exist for this caller, or the timing is never due.
    """
    found = await situation(caller, wanted)
    definition, due_at = found.definition, found.due[0].at
    try:
        parameters = resolve_parameters(definition.parameters, wanted.parameters, due_at, found.timezone)
    except ParametersInvalid:
        parameters = with_defaults(definition.parameters, wanted.parameters)
    values = values_at(
        due_at,
        timezone=found.timezone,
        report_id=definition.id,
        report_title=definition.title,
        schedule_name=found.name,
        data_window=definition.data_window,
        parameters=parameters,
        execution_id="00000000",
    )
    return for_file(values, f"{definition.id}.{found.formats[0]}")
