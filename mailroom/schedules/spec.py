"""What a user says of a schedule: the body of POST and PUT, and what is stored of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from mailroom.errors import Invalid, fault_from
from mailroom.reports.spec import Format, Slug
from mailroom.storage.tables import Schedule
from mailroom.timing import Timing
from prefect_mailroom.channel import Destination
from prefect_mailroom.channels import destination
from prefect_mailroom.errors import ConfigurationError


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Model):
    """When to send: `always`, or only when the report's data has rows."""

    send_if: Literal["always", "not_empty"] = "always"


class Policy(_Model):
    """What happens when runs overlap, come late or fail.

    An occurrence is too late, whatever else is set, once `expires_after` has passed since its due time. Among those
    that are not, `catchup` chooses which of several unserved ones run. What is to run then meets `overlap`.
    """

    overlap: Literal["skip", "buffer_one", "allow", "cancel_other"] = Field(
        default="skip",
        description=(
            "What an occurrence does while an earlier execution of the schedule is not done: `skip` itself; wait for "
            "it, `buffer_one` at a time, while later ones are skipped; run beside it (`allow`); or `cancel_other`, of "
            "which nothing more is sent then."
        ),
    )
    catchup: Literal["none", "latest", "all"] = Field(
        default="latest",
        description=(
            "Which due times that passed unserved are made good, within `expires_after`: `none` that is more than "
            "10 minutes late, the `latest` alone, or `all`, at most 24, one after the other unless `overlap` is "
            "`allow`."
        ),
    )
    expires_after: timedelta = Field(
        default=timedelta(hours=4),
        gt=timedelta(),
        le=timedelta(days=7),
        description="An occurrence that has not begun so long after its due time is missed; at most 7 days.",
    )
    jitter: timedelta = Field(
        default=timedelta(),
        ge=timedelta(),
        le=timedelta(hours=1),
        description=(
            "Each occurrence starts up to so much after its due time, to spread a peak; the same delay every time it "
            "is asked. At most 1 hour, less than `expires_after` and than the time between two occurrences."
        ),
    )
    pause_after_failures: int = Field(
        default=5, ge=1, le=1000, description="Failed executions in a row after which the schedule is suspended."
    )
    max_attempts: int = Field(default=8, ge=1, le=20, description="Tries of one delivery, the first included.")

    @field_validator("catchup")
    @classmethod
    def _catches_up_what_is_not_cancelled(cls, value: str, info: ValidationInfo) -> str:
        if value == "all" and info.data.get("overlap") == "cancel_other":
            raise ValueError(
                "cannot be 'all' where overlap is 'cancel_other', since each would cancel the one before; "
                "use 'latest' or 'none'"
            )
        return value

    @field_validator("jitter")
    @classmethod
    def _starts_before_it_expires(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        expires = info.data.get("expires_after")
        if expires is not None and value >= expires:
            raise ValueError(
                f"must be less than expires_after, which is {expires}; shorten it or let runs expire later"
            )
        return value


class ScheduleSpec(_Model):
    """A schedule as its user wrote it; see DESIGN's contract for an example."""

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
            raise ValueError("holds a control character or a line break")
        return value.strip() or _refuse("is blank")

    @field_validator("formats")
    @classmethod
    def _no_repeats(cls, value: list[Format]) -> list[Format]:
        return list(dict.fromkeys(value))

    def targets(self) -> list[Destination]:
        """The destinations as their channels' models.

        Raises:
            Invalid: naming every wrong setting as `destinations.0.…`.
        """
        return read_targets(self.destinations)


def read_targets(destinations: Sequence[Mapping[str, Any]]) -> list[Destination]:
    """Destinations as their channels' models.

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


def read_spec(data: dict[str, Any]) -> ScheduleSpec:
    """Validate a body.

    Raises:
        Invalid: naming every wrong field.
    """
    try:
        spec = ScheduleSpec.model_validate(data)
    except ValidationError as error:
        raise Invalid.from_validation(error) from error
    spec.targets()
    return spec


def store_spec(schedule: Schedule, spec: ScheduleSpec) -> None:
    """Write the spec into the row's columns."""
    data = spec.model_dump(mode="json")
    schedule.name, schedule.report_id = spec.name, spec.report_id
    schedule.schedule_config = data["timing"]
    schedule.distribution_config = {"formats": data["formats"], "destinations": data["destinations"]}
    schedule.filter_config = data["parameters"]
    schedule.policy_config = {"policy": data["policy"], "condition": data["condition"]}


def spec_data(schedule: Schedule) -> dict[str, Any]:
    """The stored spec as the JSON body that it came from, defaults filled in."""
    return {
        "name": schedule.name,
        "report_id": schedule.report_id,
        "timing": schedule.schedule_config,
        "parameters": schedule.filter_config,
        **schedule.distribution_config,
        **schedule.policy_config,
    }


def stored_spec(schedule: Schedule) -> ScheduleSpec:
    """The spec of a row."""
    return ScheduleSpec.model_validate(spec_data(schedule))
