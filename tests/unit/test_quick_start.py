"""Processes that import much look for garbage seldom, from the start."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from cli import main as command_line
from embedded import services
from mailroom import quick_start
from mailroom.settings import Settings
from mailroom.storage.database import Database

PROBE = "import gc, sys; print(__name__, sys.argv[1:], gc.isenabled(), gc.get_threshold())"
SELDOM = (50_000, 20, 100)


@pytest.fixture
def as_python_starts() -> Iterator[None]:
    """Let this process look for garbage as a new one does."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    gc.unfreeze()
    yield
    gc.freeze()
    gc.set_threshold(*before)


def test_a_module_runs_as_by_python_itself_and_looks_for_garbage_seldom(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(PROBE)
    command = [sys.executable, "-m", quick_start.__name__, "probe", "--port", "1"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == f"__main__ ['--port', '1'] True {SELDOM}"


def test_it_imports_nothing_before_that(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text("import sys; print(*sys.modules)")
    command = [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"]
    plain = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    command = [sys.executable, "-m", quick_start.__name__, "probe"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)

    assert {name.partition(".")[0] for name in set(done.stdout.split()) - set(plain)} <= {
        *sys.stdlib_module_names,
        "mailroom",
    }


@pytest.mark.parametrize("name", ["api", "prefect"])
def test_what_imports_much_is_started_by_it(name: str, tmp_path: Path) -> None:
    service = getattr(services, name)(Settings(data_dir=tmp_path), {})

    assert service.command[:3] == [sys.executable, "-m", quick_start.__name__]


@pytest.mark.filterwarnings("ignore:Cyclopts application invoked")
@pytest.mark.usefixtures("as_python_starts")
def test_a_command_looks_for_garbage_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mailroom", "--version"])
    with pytest.raises(SystemExit):
        command_line.main()

    assert gc.isenabled()
    assert gc.get_threshold() == SELDOM


@pytest.mark.usefixtures("as_python_starts")
async def test_a_process_of_the_api_looks_only_among_what_came_after_its_start(
    tmp_path: Path, database: Database
) -> None:
    app = create_app(Settings(data_dir=tmp_path, api_key="k" * 32, key_pepper="p" * 32), database)
    async with app.router.lifespan_context(app):
        assert gc.isenabled()
        assert gc.get_freeze_count() > 100_000
        assert gc.get_threshold() == SELDOM
