"""`mailroom reports …`: works on the report folders and on the database, without the API."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from cli.database import our_database
from cli.output import out, print_json, print_table
from mailroom.access.viewer import SYSTEM
from mailroom.settings import Settings, current
from prefect_mailroom.errors import MailroomError

app = App(name="reports", help="Work with report folders and stored reports.", help_format="plaintext")


def _catalog(folder: Path | None) -> Path:
    from embedded.bootstrap import CATALOG

    return folder or CATALOG


@app.command
def sync(folder: Path | None = None, *, suspend_broken: bool = False) -> None:
    """Store the report folders in the database.

    Folders that have faults are left out, and so are reports whose new version would break active schedules. The exit
    status is then 1.

    Parameters
    ----------
    folder
        The folder that contains the report folders; by default the sample catalog.
    suspend_broken
        Store reports that break active schedules, and suspend those schedules. Their owners are told.
    """
    from cli.commands.init import say
    from embedded.bootstrap import sync_catalog

    async def work(settings: Settings) -> int:
        database = await our_database(settings)
        try:
            found = await sync_catalog(database, _catalog(folder), say, suspend_broken=suspend_broken)
        finally:
            await database.close()
        kept = len(found.kept)
        say(f"{len(found.reports) - kept} reports are up to date, {len(found.errors)} have faults")
        if kept:
            say(f"{kept} reports were not stored: change the schedules named above, or repeat with --suspend-broken")
        return 1 if found.errors or kept else 0

    sys.exit(asyncio.run(work(current())))


@app.command
def check(folder: Path | None = None) -> None:
    """Show what is wrong in report folders, by file and line, without storing them. Exit status 1 means faults.

    Parameters
    ----------
    folder
        The folder that contains the report folders; by default the sample catalog.
    """
    from mailroom.reports.folders.folder import load_catalog

    found = load_catalog(_catalog(folder))
    for name in sorted(found.reports):
        out.print(f"{name}: fine", markup=False, highlight=False)
    for warning in found.warnings:
        out.print(f"warning: {warning}", markup=False, highlight=False, soft_wrap=True)
    for error in found.errors:
        out.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(1 if found.errors else 0)


@app.command(name="list")
def list_(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """List the reports in the database.

    Parameters
    ----------
    as_json
        Print JSON.
    """

    async def work(settings: Settings) -> list[dict[str, Any]]:
        from mailroom.reports import repository as report_repository

        database = await our_database(settings)
        try:
            async with database.session() as session:
                rows = await report_repository.every(session, viewer=SYSTEM)
        finally:
            await database.close()
        return [{"id": r.id, "title": r.title, "version": r.version, "formats": r.definition["formats"]} for r in rows]

    found = asyncio.run(work(current()))
    if as_json:
        print_json(found)
        return
    rows = [(r["id"], r["title"], ", ".join(r["formats"]), r["version"][:12]) for r in found]
    print_table(f"{len(rows)} reports", ["id", "title", "formats", "version"], rows)


@app.command
def show(report_id: str) -> None:
    """Print a report's definition as JSON."""
    print_json(asyncio.run(_definition(current(), report_id)))


@app.command
def render(
    report_id: str,
    *,
    formats: str = "",
    to: Path = Path(),
    parameter: list[str] | None = None,
    due: datetime | None = None,
    timezone: str = "",
) -> None:
    """Render a report to files, in the same way and with the same limits as for its schedules.

    Parameters
    ----------
    formats
        Formats, separated by commas; by default all formats of the report.
    to
        The folder to write the files to.
    parameter
        A parameter as NAME=VALUE. A value that is valid JSON is read as JSON. Can be repeated.
    due
        The due time that relative dates start from; by default now.
    timezone
        The IANA time zone for dates.
    """
    from cli.local_render import render_locally

    settings = current()
    values = dict(parse_parameter(text) for text in parameter or [])
    moment = due or datetime.now(UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wanted = [part.strip() for part in formats.split(",") if part.strip()]
    folder = to.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {folder} cannot be created: {error.strerror}."
        raise MailroomError(message, remedy="Choose another folder with --to.") from error
    zone = timezone or settings.default_timezone
    result = asyncio.run(render_locally(settings, report_id, wanted, values, moment, zone, folder))
    rows = [(f.path, f.size, "-" if f.rows is None else f.rows, f.sha256[:12]) for f in result.files]
    print_table(f"{report_id}, {result.rows} rows", ["file", "bytes", "rows", "sha-256"], rows)
    for notice in result.notices:
        out.print(f"Notice: {notice}", markup=False)


def parse_parameter(text: str) -> tuple[str, Any]:
    """Split `NAME=VALUE`; the value is JSON where it can be read as such, else text.

    Raises:
        MailroomError: there is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise MailroomError(f"{text!r} is not a parameter.", remedy="Write --parameter NAME=VALUE.")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


async def _definition(settings: Settings, report_id: str) -> dict[str, Any]:
    from mailroom.reports import repository as report_repository

    database = await our_database(settings)
    try:
        async with database.session() as session:
            row = await report_repository.get(session, report_id, viewer=SYSTEM)
            return dict(row.definition)
    finally:
        await database.close()
