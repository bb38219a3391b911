"""The parcel of a schedule that is not stored is what a delivery of it would be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mailroom.passes.planned.sample import SAMPLE, Sample, sample_parcel
from mailroom.rendering.job import RenderedFile, RenderResult
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from mailroom.storage.tables import User
from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.channels.registry import destination
from tests.support import samples

DUE = datetime(2026, 11, 30, 8, tzinfo=UTC)
SHA = "a" * 64


def _parcel(folder: Path, *, is_test: bool, **more: Any) -> Parcel:
    picture = folder / "chart.png"
    picture.write_bytes(b"png")
    file = RenderedFile(
        path=folder / "orders.csv", filename="orders.csv", format="csv", media_type="text/csv", size=3, sha256=SHA
    )
    result = RenderResult(files=[file], mail_html="<p>", mail_text="text", mail_images={"chart": picture}, rows=2)
    owner = User(id="u", email="ada@example.org", name="Ada", is_service=False)
    definition = ReportDefinition.model_validate(samples.REPORT)
    sample = Sample(definition, "Weekly", "Europe/Berlin", {"region": "EMEA"}, DUE, owner, DUE + timedelta(days=7))
    target = destination({"channel": "email", "connection": "smtp", "to": ["bo@example.org"], **more})
    settings = Settings(data_dir=folder, link_key="k" * 40)
    return sample_parcel(sample, result, target, settings=settings, now=DUE - timedelta(days=4), is_test=is_test)


def test_it_has_everything_that_a_delivery_has(tmp_path: Path) -> None:
    found = _parcel(tmp_path, is_test=False)

    assert (found.recipient, found.is_test, found.html, found.text) == ("bo@example.org", False, "<p>", "text")
    assert [(file.filename, file.path) for file in found.files] == [("orders.csv", tmp_path / "orders.csv")]
    assert found.images[0].data == b"png"
    assert str(found.variables["date"]) == "2026-11-30"
    assert found.facts["owner"] == {"name": "Ada", "email": "ada@example.org"}
    assert found.facts["next_due_at"] == (DUE + timedelta(days=7)).isoformat()
    assert found.facts["filters"] == {"Region": "EMEA"}
    assert found.links
    assert found.unsubscribe_url


def test_a_test_is_marked_and_nobody_can_stop_what_has_not_begun(tmp_path: Path) -> None:
    found = _parcel(tmp_path, is_test=True)

    assert found.is_test
    assert found.facts["kind"] == "test"
    assert found.facts["execution_id"] != SAMPLE
    assert found.unsubscribe_url == ""
