"""Checks of this machine: Python, packages, folder, ports, zones, clock, renderers. No network."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cli.doctor.finding import Finding, ok, problem, warning
from embedded import data_dir, ports
from mailroom.settings import CHECKOUT, Settings
from prefect_mailroom.errors import ConfigurationError

# Their versions must fit each other; the others may differ without harm.
PINNED = ("prefect", "fastapi", "sqlalchemy")


def python_version(found: tuple[int, int]) -> Finding:
    """Check whether Mailroom runs on this Python. Pure."""
    text = f"{found[0]}.{found[1]}"
    if (3, 11) <= found <= (3, 13):
        return ok("Python", text)
    return problem(
        "Python", f"{text} is not a supported version.", ("Use 3.11 to 3.13: make clean, then make PYTHON=python3.13.")
    )


def pins(lock: str) -> dict[str, str]:
    """Return the version of each package in a lock file's text. Pure."""
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock, re.MULTILINE))


def packages(locked: Mapping[str, str], installed: Mapping[str, str | None]) -> list[Finding]:
    """Check whether what is installed is what was locked. Pure."""
    found = []
    for name, there in installed.items():
        wanted = locked.get(name)
        if there is None:
            found.append(problem(name, "is not installed.", "Run `make setup`."))
        elif wanted is None or there == wanted:
            found.append(ok(name, there))
        else:
            found.append(
                problem(name, f"Version {there} is installed, but the lock file has {wanted}.", ("Run `make setup`."))
            )
    return found


def installed_versions() -> dict[str, str | None]:
    """Return the installed version of each pinned package, None where it is missing."""
    found: dict[str, str | None] = {}
    for name in PINNED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def data_folder(settings: Settings) -> list[Finding]:
    """Check whether the data folder can be written, and is private."""
    folder = settings.data_dir
    if not folder.is_dir():
        return [problem("data folder", f"{folder} does not exist.", "Run `mailroom init`.")]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [
            problem(
                "data folder",
                f"{folder} cannot be written.",
                ("Make it writable, or set MAILROOM_DATA_DIR to another folder."),
            )
        ]
    found = [ok("data folder", str(folder))]
    if folder.stat().st_mode & 0o077:
        found = [warning("data folder", f"{folder} can be read by other users.", f"Run: chmod 700 {folder}")]
    return found


def listening(settings: Settings) -> Finding:
    """Check whether `up` has its ports, or could have them."""
    if settings.mode == "production":
        return ok("ports", "not checked in production, where each service has its own ports")
    if settings.data_dir.is_dir():
        try:
            with data_dir.locked(settings.data_dir):
                pass
        except ConfigurationError:
            return ok("ports", "in use by the running `mailroom up`")
    taken = ports.faults(settings)
    if taken:
        return problem("ports", " ".join(taken), "Stop that process, or set the variable to a free port.")
    return ok("ports", "free: " + ", ".join(str(port) for port in ports.wanted_ports(settings).values()))


def time_zones() -> Finding:
    """Check whether the zone data is there and usable."""
    try:
        summer = datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")).utcoffset()
    except ZoneInfoNotFoundError:
        summer = None
    count = len(available_timezones())
    if summer is None or summer.total_seconds() != 7200 or count < 400:
        return problem(
            "time zones",
            f"{count} time zones are known, or their data is wrong.",
            ("Run `make setup`, which installs tzdata."),
        )
    return ok("time zones", f"{count} known")


def clock(now: datetime, newest_file: datetime) -> Finding:
    """Check whether the clock can be right: not before this checkout was made. Pure."""
    if now < newest_file:
        text = f"It is {now:%Y-%m-%d %H:%M} UTC here, which is before this version was made ({newest_file:%Y-%m-%d})."
        return problem("clock", text, "Set the clock. Schedules run by it.")
    return ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _typst() -> str:
    import typst

    pdf = typst.compile(b"#set page(width: 4cm, height: 2cm)\nMailroom 123 \xc3\xa4\xc3\xb6\xc3\xbc")
    assert isinstance(pdf, bytes)
    if not pdf.startswith(b"%PDF") or (b"/FontDescriptor" not in pdf and b"/ObjStm" not in pdf):
        raise ValueError("the PDF has no font")
    return f"a PDF of {len(pdf):,} bytes"


def _chart() -> str:
    import vl_convert

    values = [{"x": "a", "y": 1}, {"x": "b", "y": 2}]
    encoding = {"x": {"field": "x", "type": "nominal"}, "y": {"field": "y", "type": "quantitative"}}
    spec = {"data": {"values": values}, "mark": "bar", "encoding": encoding}
    svg = vl_convert.vegalite_to_svg(json.dumps(spec))
    if "<svg" not in svg or "<path" not in svg:
        raise ValueError("the chart is empty")
    return f"an SVG of {len(svg):,} characters"


def _tried(check: str, attempt: Callable[[], str]) -> Finding:
    try:
        return ok(check, attempt())
    except Exception as error:  # Whatever a native library raises is what the doctor is asked about.
        return problem(
            check,
            f"{type(error).__name__}: {error}",
            ("Run `make setup`; the installed wheel may not work on this system."),
        )


def everything(settings: Settings) -> list[Finding]:
    """Run all checks of this machine; takes a second or two."""
    lock = CHECKOUT / "requirements.lock"
    return [
        python_version(sys.version_info[:2]),
        *packages(pins(lock.read_text()), installed_versions()),
        *data_folder(settings),
        listening(settings),
        time_zones(),
        clock(datetime.now(UTC), datetime.fromtimestamp((CHECKOUT / "pyproject.toml").stat().st_mtime, UTC)),
        _tried("PDF (typst)", _typst),
        _tried("charts (vl-convert)", _chart),
    ]
