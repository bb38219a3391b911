"""The names in `prefect_settings` are Prefect's own, and it reads the values as they are meant."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from embedded import prefect_settings
from mailroom.settings import Settings

PROGRAM = """
import json, zoneinfo
from prefect.settings import get_current_settings
s = get_current_settings()
print(json.dumps({
    "api": s.api.url,
    "home": str(s.home),
    "late": s.server.services.late_runs.after_seconds.total_seconds(),
    "events": [s.server.services.event_persister.read_batch_size, s.server.services.event_persister.batch_size],
    "tasks": [s.server.services.task_run_recorder.read_batch_size, s.server.services.task_run_recorder.batch_size],
    "min_runs": s.server.services.scheduler.min_runs,
    "min_time": s.server.services.scheduler.min_scheduled_time.total_seconds(),
    "max_time": s.server.services.scheduler.max_scheduled_time.days,
    "recent": s.server.services.scheduler.recent_deployments_loop_seconds,
    "vacuum": sorted(s.server.services.db_vacuum.enabled),
    "vacuum_days": s.server.services.db_vacuum.retention_period.days,
    "event_days": s.server.events.retention_period.days,
    "off": [s.server.analytics_enabled, s.server.ephemeral.enabled, s.client.server_version_check_enabled,
            s.client.csrf_support_enabled, s.logging.colors, s.cli.colors, s.server.ui.show_promotional_content],
    "ui": s.server.ui.enabled,
    "query": s.worker.query_seconds,
    "asked_again": sorted(s.client.retry_extra_codes),
    "zone_folders": list(zoneinfo.TZPATH),
    "zones": "Europe/Berlin" in zoneinfo.available_timezones(),
}))
"""


def test_prefect_reads_every_setting(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "prefect_port": 4242})
    environment = {
        **prefect_settings.base_environment(),
        **prefect_settings.server_environment(settings, "the-key"),
        **prefect_settings.WORKER,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, check=True, capture_output=True, timeout=60
    )

    assert json.loads(done.stdout) == {
        "api": "http://127.0.0.1:4242/api",
        "home": str(tmp_path / "prefect"),
        "late": 300,
        "events": [100, 200],
        "tasks": [50, 100],
        "min_runs": 1,
        "min_time": 900,
        "max_time": 400,
        "recent": 2,
        "vacuum": ["events", "flow_runs"],
        "vacuum_days": 90,
        "event_days": 14,
        "off": [False] * 7,
        "ui": True,
        "query": 4,
        "asked_again": [500],
        "zone_folders": [],
        "zones": True,
    }


def test_settings_for_another_prefect_are_left_behind() -> None:
    inherited = {"PREFECT_API_KEY": "x", "PREFECT_API_URL": "y", "PREFECT_LOGGING_LEVEL": "DEBUG", "PATH": "/bin"}

    assert prefect_settings.base_environment(inherited) == {"PREFECT_LOGGING_LEVEL": "DEBUG", "PATH": "/bin"}
