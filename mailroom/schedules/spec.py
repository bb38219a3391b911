"""Define a schedule as its user writes it: the body of POST and PUT, and its stored form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mailroom.errors import Invalid, fault_from
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.policy import Policy
from mailroom.reports.spec import Format, Slug
from mailroom.storage.tables import Schedule
from mailroom.timing import Timing
from prefect_mailroom.channels.base import Destination
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import ConfigurationError


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScheduleSpec(_Model):
    """A schedule as its user wrote it; the README has an example."""

    name: str = Field(min_length=1, max_length=200)
    report_id: Slug
    timing: Timing
    parameters: dict[str, Any] = Field(default_factory=dict)
    formats: list[Format] = Field(min_length=1, max_length=7)
    destinations: list[dict[str, Any]] = Field(min_length=1, max_length=50)
    condition: Condition = Condition()
    policy: Policy = Policy()

    @field_validator("name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(not character.isprintable() for character in value):
            raise ValueError("the text contains a control character or a line break")
        return value.strip() or _refuse("is blank")

    @field_validator("formats")
    @classmethod
    def _no_repeats(cls, value: list[Format]) -> list[Format]:
        return list(dict.fromkeys(value))

    def targets(self) -> list[Destination]:
        """Return the destinations as the models of their channels.

        Raises:
            Invalid: naming every wrong setting as `destinations.0.…`.
        """
        return read_targets(self.destinations)

    def connections(self) -> set[str]:
        """Return the connections that the destinations name, also where a destination is wrong otherwise."""
        return {str(one["connection"]) for one in self.destinations if "connection" in one}


def read_targets(destinations: Sequence[Mapping[str, Any]]) -> list[Destination]:
    """Return destinations as the models of their channels.

    Raises:
        Invalid: naming every wrong setting as `destinations.0.…`.
    """
    found, faults = [], []
    for index, data in enumerate(destinations):
        try:
            found.append(destination(data))
        except ConfigurationError as error:
            faults += Invalid.from_configuration(error, f"destinations.{index}").faults
        except ValidationError as error:
            faults += [fault_from(detail, f"destinations.{index}") for detail in error.errors(include_input=False)]
    if faults:
        raise Invalid(faults)
    return found


def _refuse(message: str) -> str:
    raise ValueError(message)


def read_spec(data: dict[str, Any], *, timezone: str | None = None) -> ScheduleSpec:
    """Validate a body; `timezone` is the one of a timing that names none.

    Raises:
        Invalid: naming every wrong field.
    """
    try:
        spec = ScheduleSpec.model_validate(in_zone(data, timezone) if timezone else data)
    except ValidationError as error:
        raise Invalid.from_validation(error, model=ScheduleSpec) from error
    spec.targets()
    return spec


def in_zone(data: dict[str, Any], timezone: str) -> dict[str, Any]:
    """Return the body of a schedule with this time zone where its timing names none."""
    timing = data.get("timing")
    if not isinstance(timing, dict) or "timezone" in timing:
        return data
    return {**data, "timing": {**timing, "timezone": timezone}}


def store_spec(schedule: Schedule, spec: ScheduleSpec) -> None:
    """Write the spec into the row's columns."""
    data = spec.model_dump(mode="json")
    schedule.name, schedule.report_id = spec.name, spec.report_id
    schedule.schedule_config = data["timing"]
    schedule.distribution_config = {"formats": data["formats"], "destinations": data["destinations"]}
    schedule.filter_config = data["parameters"]
    schedule.policy_config = {"policy": data["policy"], "condition": data["condition"]}


def spec_data(schedule: Schedule) -> dict[str, Any]:
    """Return the stored spec as the JSON body that it came from, with defaults filled in."""
    return {
        "name": schedule.name,
        "report_id": schedule.report_id,
        "timing": schedule.schedule_config,
        "parameters": schedule.filter_config,
        **schedule.distribution_config,
        **schedule.policy_config,
    }


def stored_policy(schedule: Schedule) -> Policy | None:
    """Return the policy of a row, or None where it cannot be read."""
    try:
        return Policy.model_validate(schedule.policy_config.get("policy", {}))
    except ValidationError:
        return None


def stored_spec(schedule: Schedule) -> ScheduleSpec:
    """Return the spec of a row."""
    return ScheduleSpec.model_validate(spec_data(schedule))


def readable_spec(schedule: Schedule) -> ScheduleSpec | None:
    """Return the spec of a row, or None where an earlier version of Mailroom took what is refused now."""
    try:
        spec = stored_spec(schedule)
        spec.targets()
    except (ValidationError, Invalid):
        return None
    return spec
