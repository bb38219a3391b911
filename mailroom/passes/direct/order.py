"""Read what a direct run is asked for: a report folder, its parameters and formats, and one destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mailroom.passes.planned.sample import Sample
from mailroom.reports.folders.folder import FILE, load_folder
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import Format, ReportDefinition, ShellSource
from mailroom.schedules.variables import template_faults
from mailroom.zone_names import known_zones
from prefect_mailroom.channels.base import Destination
from prefect_mailroom.channels.registry import destination as destination_of
from prefect_mailroom.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Order:
    """A direct run's order, checked.

    Attributes:
        sample: the report with its final parameters, at the run's due time.
        formats: none for a report whose command makes its files itself.
    """

    sample: Sample
    formats: tuple[Format, ...]
    target: Destination

    @property
    def definition(self) -> ReportDefinition:
        """Return the report."""
        return self.sample.definition


def order(
    report: str,
    destination: Mapping[str, Any],
    parameters: Mapping[str, Any],
    formats: Sequence[Format],
    *,
    timezone: str,
    due_at: datetime,
    root: Path,
) -> Order:
    """Return the order that the parameters of a run are. Blocking: it reads the report's folder.

    Where readers see the name of a schedule otherwise, they see the report's title.

    Args:
        report: the path of the report's folder, below `root` unless it is absolute.
        formats: all of the report where it is empty.

    Raises:
        ConfigurationError: naming what is wrong and what to do.
        ParametersInvalid: the report does not take these parameters.
    """
    if timezone not in known_zones():
        message = f"'{timezone[:60]}' is not a time zone of the IANA list."
        raise ConfigurationError(message, remedy="Give one such as Europe/Berlin.", field="timezone")
    folder = root / report
    if not (folder / FILE).is_file():
        message = f"There is no report in {folder}: it has no file {FILE}."
        remedy = "Give the path of a report's folder, below the folder that the deployment pulls, such as catalog/…"
        raise ConfigurationError(message, remedy=remedy, field="report")
    definition, _ = load_folder(folder)
    target = _target(destination)
    if target.links_connection():
        message = "A run without a schedule makes no links to files in a store."
        raise ConfigurationError(message, remedy="Leave `links_from` empty.", field="destination.links_from")
    final = resolve_parameters(definition.parameters, parameters, due_at, timezone)
    for fault in template_faults([target], definition, parameters, timezone):
        field = fault.field.replace("destinations.0", "destination", 1)
        raise ConfigurationError(f"{field}: {fault.message}", remedy=fault.remedy, field=field)
    sample = Sample(definition=definition, name=definition.title, timezone=timezone, parameters=final, due_at=due_at)
    return Order(sample, _formats(definition, formats), target)


def _target(data: Mapping[str, Any]) -> Destination:
    if "channel" not in data:
        remedy = "Give the channel's name there, such as folder or email."
        raise ConfigurationError("destination.channel is missing.", remedy=remedy, field="destination.channel")
    try:
        return destination_of(data, at="destination")
    except ConfigurationError as error:
        told = error.message if error.message.startswith("destination") else f"{error.field}: {error.message}"
        # Nothing is saved here, as a schedule is.
        remedy = error.remedy.replace("and save again", "in the parameters of the deployment or of the run")
        raise ConfigurationError(told, remedy=remedy, field=error.field) from error


def _formats(definition: ReportDefinition, wanted: Sequence[Format]) -> tuple[Format, ...]:
    if isinstance(definition.source, ShellSource):
        return ()
    if unknown := [str(one) for one in wanted if one not in definition.formats]:
        message = f"The report '{definition.id}' has no format {', '.join(unknown)}."
        remedy = f"Choose from: {', '.join(definition.formats)}."
        raise ConfigurationError(message, remedy=remedy, field="formats")
    return tuple(dict.fromkeys(wanted or definition.formats))
