"""`make bench-channels` (PARTS=mails_1000): how fast the channels are, and bench/out/channels.json.

Each part is a module of its own with a function of the part's name. A part that was not run is null in the file, never
a figure of another day.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "out" / "channels.json"
# Each key of the file, and the module that has a function of that name.
PARTS = {
    "azure_100mb": "azure",
    "ftps_100mb": "ftps",
    "gcs_100mb": "gcs",
    "import_extra_mb": "footprint",
    "mails_1000": "mails",
    "s3_100mb": "s3",
    "sftp_100mb": "sftp",
    "webhooks_500": "webhooks",
}


def wanted() -> list[str]:
    """The parts that PARTS names, or all of them."""
    named = [name for name in os.environ.get("PARTS", "").split(",") if name] or list(PARTS)
    if unknown := sorted(set(named) - set(PARTS)):
        raise SystemExit(f"PARTS names {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    return named


def run(name: str) -> Any:
    """One part's figures."""
    print(f"{name} …", flush=True)
    part: Callable[[], Any] = getattr(import_module(f"bench.channels.{PARTS[name]}"), name)
    began = time.monotonic()
    figures = part()
    print(f"  {figures}  ({time.monotonic() - began:.0f} s)", flush=True)
    return figures


def _most_memory(figures: dict[str, Any]) -> float | None:
    """Return the most MB that a large file took at a server for files; None where one of the parts was not run."""
    ftps, sftp = figures["ftps_100mb"], figures["sftp_100mb"]
    return max(ftps["memory_extra_mb"], sftp["memory_mb"], sftp["memory_400mb_mb"]) if ftps and sftp else None


def main() -> None:
    """Run the parts, then write all of them at once."""
    figures = dict.fromkeys(PARTS) | {name: run(name) for name in wanted()}
    figures["memory_extra_mb"] = _most_memory(figures)
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({**figures, **about}, indent=2) + "\n")
    print(f"Written to {OUT}")


if __name__ == "__main__":
    main()
