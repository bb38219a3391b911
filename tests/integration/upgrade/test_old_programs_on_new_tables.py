"""The programs of the version before work on the tables of this one: their own tests pass on them.

The version before is taken from the history, and its migrations are replaced by those of today. Its own tests of passes
then run its own code against the new tables. `make test-upgrade` runs many of them, the suite a few.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.scale.stack import versions
from mailroom.settings import CHECKOUT
from tests.integration.upgrade import stored_words

BEFORE = "4082c862"
"""The last commit before programs knew that tables may be newer than they are."""
VERSIONS = Path("mailroom/storage/migrations/versions")
EVERYTHING = os.environ.get("UPGRADE") == "all"
SEED = ("tests/integration/passes/test_claim.py",)
ALL = (
    "tests/integration/executions",
    "tests/integration/heartbeats",
    "tests/integration/passes/test_claim.py",
    "tests/integration/passes/test_fencing.py",
    "tests/integration/passes/test_honest_retries.py",
    "tests/integration/passes/test_overlap.py",
    "tests/integration/passes/test_policies.py",
    "tests/integration/passes/test_work.py",
    "tests/integration/retention",
    "tests/integration/schedules",
    "tests/integration/stops",
)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Unpack the version before, with the migrations of today."""
    if not versions.is_known(BEFORE):
        pytest.skip(f"the history does not have {BEFORE}")
    folder = versions.unpack(BEFORE, tmp_path / "before")
    shutil.rmtree(folder / VERSIONS)
    shutil.copytree(CHECKOUT / VERSIONS, folder / VERSIONS, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


# All of them take minutes, and the limit of other tests is shorter.
@pytest.mark.timeout(3600 + 60 if EVERYTHING else 300)
def test_the_programs_before_work_on_the_tables_of_today(before: Path) -> None:
    environment = _environment(before)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(before)]
    done = subprocess.run(
        [*command, *(ALL if EVERYTHING else SEED)],
        cwd=before,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3600 if EVERYTHING else 240,
        check=False,
    )
    print(done.stdout[-2000:])  # noqa: T201  It is shown where the test fails, and by `make test-upgrade`.
    assert done.returncode == 0
    assert str(before) in _where_it_is_imported_from(before, environment), "its own code ran, not that of today"


def test_the_programs_before_can_read_what_those_of_today_store(before: Path) -> None:
    command = [sys.executable, stored_words.__file__]
    known = set(json.loads(subprocess.check_output(command, cwd=before, env=_environment(before), text=True)))
    newer = set(stored_words.everything()) - known
    # Specs refuse fields that they do not know, and tables words. Such a one is stored a version after it can be read.
    assert sorted(newer) == []


def _environment(before: Path) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**environment, "PYTHONPATH": f"{before}{os.pathsep}{before / 'blocks'}"}


def _where_it_is_imported_from(before: Path, environment: dict[str, str]) -> str:
    code = "import mailroom, prefect_mailroom; print(mailroom.__file__, prefect_mailroom.__file__)"
    command = [sys.executable, "-c", code]
    found = subprocess.check_output(command, cwd=before, env=environment, text=True)
    assert found.count(str(before)) == 2, found
    return found
