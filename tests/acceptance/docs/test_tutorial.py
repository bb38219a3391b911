"""Tutorial and importer work as they stand: every file is written and every command typed, in a fresh folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from embedded.ports import free_ports
from tests.support.docs.reader import Reader
from tests.support.prefect_template import lay_out_system
from tests.support.system import PORTS

CHECKOUT = Path(__file__).resolve().parents[3]
PAGES = [CHECKOUT / "docs" / page for page in ("tutorial.md", "how-to/from-celery-beat.md")]
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600), pytest.mark.xdist_group("embedded")]


def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    ports = dict(zip(PORTS, map(str, free_ports("127.0.0.1", len(PORTS))), strict=True))
    environment = {f"MAILROOM_{name}": port for name, port in ports.items()}
    replaced = {":8080": f":{ports['API_PORT']}", ":8025": f":{ports['MAIL_WEB_PORT']}"}
    reader = Reader(tmp_path, CHECKOUT, environment, replaced)
    lay_out_system(tmp_path / ".mailroom")
    reader.follow(*(page.read_text() for page in PAGES))
    mails = re.findall(r"^Orders \d{4}-\d\d-\d\d$", reader.transcript, re.MULTILINE)
    assert len(mails) == 2, "one of the run that was partial and its retry, one of the due time"
    assert sorted(path.suffix for path in (tmp_path / "archive").rglob("*.*")) == [".csv", ".pdf"]
