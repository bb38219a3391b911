"""Decide whether an upgrade may go on. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.doctor.finding import Finding, Level, ok, problem, warning
from mailroom.storage.migrations import Step

RECENT = timedelta(hours=24)
"""After a restoration a person decides on all that was due since the backup: of a day that can still be done."""


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The last backup that the audit trail knows."""

    made_at: datetime
    folder: str


def tables(there: str, newest: str, steps: Sequence[Step], *, known: bool) -> Finding:
    """Return how the version of our tables fits this program.

    Args:
        known: whether this program knows the version that is there.
    """
    if not there:
        return ok("tables", f"none yet; version {newest} is made")
    if not known:
        text = f"They are of version {there}, and this program knows them only up to {newest}."
        return problem("tables", text, "Run a later version of Mailroom, or restore the backup of before its upgrade.")
    return ok(
        "tables", f"version {there}, up to date" if not steps else f"version {there}; {len(steps)} steps to {newest}"
    )


def prefect_tables(there: str | None, newest: str, *, known: bool) -> Finding:
    """Return how the version of Prefect's tables fits the Prefect that is installed here; None: it is not known."""
    name = "tables of Prefect"
    if there is None:
        return warning(name, "Not checked, since it is not known where they are.", "Set MAILROOM_PREFECT_DATABASE_URL.")
    if not known:
        text = f"They are of version {there}, which the Prefect that is installed here does not know."
        return problem(name, text, "Run a version of Mailroom that is locked to that Prefect.")
    if there != newest:
        text = f"version {there}; Prefect brings them to {newest} by itself when its server starts"
        return warning(name, text, "Start Prefect's server of this version first.")
    return ok(name, f"version {there}, up to date")


def prefect_server(running: str | None, installed: str) -> Finding:
    """Return whether Prefect's server is of the version that is installed here; None: it does not answer."""
    if running is None:
        return ok("Prefect", "does not run")
    if running != installed:
        text = f"The server runs Prefect {running}, but {installed} is installed here."
        return warning("Prefect", text, "Upgrade the server before the API and the workers.")
    return ok("Prefect", running)


def space(free_mb: int, needed_mb: int) -> Finding:
    """Return whether there is room for the upgrade: SQLite writes what it changes twice."""
    if free_mb < needed_mb:
        return problem("disk", f"{free_mb:,} MB are free, and {needed_mb:,} MB are needed.", "Free some space.")
    return ok("disk", f"{free_mb:,} MB are free")


def backup(last: LastBackup | None, now: datetime, *, needed: bool, waived: bool) -> Finding:
    """Return whether there is a way back: a recent backup.

    Args:
        needed: whether anything would be changed that has content.
        waived: whether the operator goes without one.
    """
    if last is not None and now - last.made_at <= RECENT:
        return ok("backup", f"of {last.made_at:%Y-%m-%d %H:%M} UTC, in {last.folder}")
    text = f"The last one is of {last.made_at:%Y-%m-%d %H:%M} UTC." if last else "None was ever made."
    if not needed:
        return ok("backup", f"{text} None is needed now.")
    if waived:
        return warning("backup", f"{text} There is no way back but one.", "You chose --without-backup.")
    return problem("backup", text, "Run `mailroom backup FOLDER` first, or add --without-backup.")


def processes(living: Collection[str], there: str, works_from: str, *, needed: bool) -> Finding:
    """Return whether running processes can go on with the new tables.

    Args:
        works_from: the oldest version of the tables whose programs can work with the newest ones.
    """
    if not living:
        return ok("processes", "none runs")
    names = ", ".join(sorted(living))
    if needed and there < works_from:
        text = f"These run, and cannot work with the new tables: {names}."
        return problem("processes", text, "End them, wait for a minute, and repeat the command.")
    if needed:
        text = f"These run, and go on with the new tables until they are started anew: {names}."
        return warning("processes", text, "Start each of them anew with this version afterwards, one after the other.")
    return ok("processes", f"running: {names}")


def may_go(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing keeps the upgrade from being done."""
    return all(one.level is not Level.PROBLEM for one in findings)
