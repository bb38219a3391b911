"""What README and docs show is true: schedule and report are accepted, make targets exist, links lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mailroom.reports.folders.folder import load_folder
from mailroom.schedules.conflicts.warning import Code
from mailroom.schedules.spec import read_spec

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def inline_code(page: Path) -> list[str]:
    """The words of a page in backquotes, outside its blocks, whose fences are backquotes too."""
    prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`[^`]+`", prose)


def blocks(page: Path, language: str) -> list[str]:
    every = re.findall(r"^```([^\n]*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for info, text in every if info == language]


def test_the_schedule_of_the_readme_is_accepted() -> None:
    (body,) = blocks(ROOT / "README.md", "json")
    spec = read_spec(json.loads(body))
    assert [target.channel for target in spec.targets()] == ["email", "folder"]


def test_the_report_of_the_docs_loads(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    (yaml,) = blocks(ROOT / "docs/reports.md", "yaml")
    (folder / "report.yaml").write_text(yaml)
    query = "SELECT region, sum(amount) AS amount FROM orders WHERE day BETWEEN :from AND :to GROUP BY region"
    (folder / "orders.sql").write_text(query)
    assert load_folder(folder)[0].data_query == "orders"


def test_every_warning_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/conflicts.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(Code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)", "\n".join(blocks(page, "") + inline_code(page))))
    assert named <= there
