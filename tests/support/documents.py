"""Documents of objects that are kept as code, as users write them."""

from __future__ import annotations

import copy
from typing import Any

from tests.support import samples


def document(kind: str, name: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document."""
    return {"apiVersion": "mailroom/v1", "kind": kind, "name": name, **more, "spec": copy.deepcopy(spec)}


def calendar(key: str = "office", /, **changes: Any) -> dict[str, Any]:
    """Return the document of a calendar."""
    return document("calendar", key, {"title": "Office", "country": "DE", "subdivision": "BE", **changes})


def report(key: str = "orders", /, **changes: Any) -> dict[str, Any]:
    """Return the document of the sample report."""
    return document("report", key, {**{k: v for k, v in samples.REPORT.items() if k != "id"}, **changes})


def schedule(
    key: str = "daily-orders", /, *, state: str | None = None, owner: str | None = None, **changes: Any
) -> Any:
    """Return the document of a schedule of the sample report."""
    spec = {
        "name": "Daily orders",
        "report_id": "orders",
        "timing": {"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"},
        "parameters": {"region": "EMEA"},
        "formats": ["csv"],
        "destinations": [{**samples.FOLDER, "path": "{report_slug}/{date}.{ext}"}],
        **changes,
    }
    told = {key: value for key, value in (("state", state), ("owner", owner)) if value is not None}
    return document("schedule", key, spec, **told)
