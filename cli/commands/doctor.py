"""`mailroom doctor`."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from cli.doctor import machine
from cli.doctor.finding import Finding, Level
from cli.output import err, out, print_json, print_table
from embedded.bootstrap import use_our_prefect
from mailroom.settings import current

STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def doctor(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """Check everything that Mailroom needs on this machine. The exit status is 1 if there is a problem.

    Parameters
    ----------
    as_json
        Print the findings as JSON.
    """
    settings = current()
    from cli.doctor import secrets

    with err.status("looking …"):
        findings = [*secrets.safe(settings, os.environ), *machine.everything(settings)]
        if settings.mode == "embedded" or (settings.database_url and settings.prefect_api_url):
            use_our_prefect(settings)
            from cli.doctor import services

            findings += asyncio.run(services.everything(settings))
            findings += asyncio.run(secrets.everything(settings, datetime.now(UTC)))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    sys.exit(1 if any(finding.level is Level.PROBLEM for finding in findings) else 0)


def _show(findings: list[Finding]) -> None:
    rows = [(f.check, Text(f.level, style=STYLES[f.level]), f.message, f.remedy) for f in findings]
    print_table("Mailroom's set-up", ["what", "state", "found", "remedy"], rows)
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    out.print(f"{problems} problem{'' if problems == 1 else 's'}." if problems else "Nothing is wrong.")
