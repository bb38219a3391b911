"""Say what the ledger keeps of a rendering, while it lasts and afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailroom.executions.history.progress import FileRecord, RenderingRecord, rendering_of
from mailroom.passes.planned.rendering_watch import RenderingWatch, whole
from mailroom.rendering.job import RenderedFile
from mailroom.rendering.progress import FileProgress, Progress
from mailroom.storage.tables import Artifact, Execution

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_what_two_renderers_tell_of_their_files_stands_side_by_side() -> None:
    watch = RenderingWatch(["pdf", "csv"], NOW)
    assert not watch.record.taken_up
    watch.tell(Progress(rows=10, files=(FileProgress(format="csv", began_at=NOW),)))
    watch.tell(Progress(rows=4, files=(FileProgress(format="pdf", began_at=NOW, ended_at=NOW),)))
    assert watch.record.rows == 10
    assert [(file.format, file.ended_at) for file in watch.record.files] == [("pdf", NOW), ("csv", None)]
    assert watch.changed.is_set()


def test_what_was_rendered_for_another_run_is_ready() -> None:
    made = RenderedFile(path=Path("x"), filename="a.csv", format="csv", media_type="t", size=1, sha256="aa", rows=7)
    made = made.model_copy(update={"began_at": NOW, "ended_at": NOW + timedelta(seconds=2)})
    artifacts = [Artifact(format="pdf", sha256="bb", rows=None), Artifact(format="csv", sha256="aa", rows=7)]
    record = whole(NOW, NOW + timedelta(seconds=3), artifacts, [made])
    assert [(file.ready, file.ended_at) for file in record.files] == [(True, None), (False, NOW + timedelta(seconds=2))]
    assert (record.rows, record.ended_at) == (7, NOW + timedelta(seconds=3))


def test_a_record_survives_its_storage() -> None:
    record = RenderingRecord(began_at=NOW, taken_up=True, rows=3, files=(FileRecord(format="csv", began_at=NOW),))
    assert rendering_of(Execution(rendering=record.stored())) == record
    assert rendering_of(Execution(rendering=None)) is None
