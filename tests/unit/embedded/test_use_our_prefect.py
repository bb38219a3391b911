"""The set-up reaches the Prefect of the settings, even where Prefect was imported before it was told which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import prefect.client.orchestration
from embedded import bootstrap
from mailroom.settings import current
import prefect.settings as settings
before = settings.PREFECT_API_URL.value()
bootstrap.use_our_prefect(current())
print(before, settings.PREFECT_API_URL.value(), settings.PREFECT_SERVER_EPHEMERAL_ENABLED.value(),
      settings.PREFECT_API_AUTH_STRING.value())
"""


def test_it_is_the_one_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "login").write_text("mailroom:from-a-file\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MAILROOM_"))}
    production = {
        "MAILROOM_MODE": "production",
        "MAILROOM_DATA_DIR": str(tmp_path),
        "MAILROOM_DATABASE_URL": "postgresql://mailroom@db/mailroom",
        "MAILROOM_PREFECT_API_URL": "http://prefect:4200/api",
        "PREFECT_API_AUTH_STRING_FILE": str(tmp_path / "login"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=kept | production, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["None", "http://prefect:4200/api", "False", "mailroom:from-a-file"], done.stderr
