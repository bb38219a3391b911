"""Who changed a deployment, by its mark; which deployments are strays; how fast writes go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from deployments.pace import Pace
from deployments.sync.desired import Desired, schedule_tag
from deployments.sync.diff import Create, Update, shown_by
from deployments.sync.judge import Wish, judge
from deployments.sync.mark import Mark, digest_of, signed, unsigned
from deployments.sync.observed import Observed
from deployments.sync.strays import removable, stray
from mailroom.settings import CHECKOUT, Settings
from mailroom.states import ScheduleState, SyncState
from mailroom.storage.tables import Schedule

ID = "6a2f41a3-c54c-4d2a-9f6b-0d6f7c1a2b3c"
NUMBER = UUID("00000000-0000-4000-8000-000000000001")


def _desired(*, paused: bool = False, generation: int = 3, cron: str = "0 9 * * *") -> Desired:
    return Desired(
        name=ID,
        description="Orders",
        tags=("mailroom", "report:orders", schedule_tag(ID)),
        parameters={"schedule_id": ID},
        cron=cron,
        timezone="UTC",
        paused=paused,
        entrypoint="flows/report_export.py:report_export",
        work_pool="mailroom",
        directory=str(CHECKOUT),
        generation=generation,
    )


def _observed(written: Desired) -> Observed:
    """A deployment just as we wrote it."""
    return Observed(
        id=NUMBER,
        name=written.name,
        description=written.description,
        tags=tuple(sorted(written.tags)),
        parameters=written.parameters,
        cron=written.cron,
        timezone=written.timezone,
        ours=NUMBER,
        active=True,
        extra=(),
        paused=written.paused,
        entrypoint=written.entrypoint,
        work_pool=written.work_pool,
        directory=written.directory,
        job_variables={},
        mark=Mark(written.generation, written.paused, digest_of(shown_by(written))),
        updated=datetime(2026, 1, 1, tzinfo=UTC),
        updated_by="",
    )


def _schedule(state: ScheduleState, *, in_step: bool, generation: int = 3) -> Schedule:
    sync = SyncState.SYNCED if in_step else SyncState.PENDING
    seen = generation if in_step else generation - 1
    return Schedule(id=ID, state=state, sync_state=sync, generation=generation, observed_generation=seen)


ACTIVE, PAUSED = ScheduleState.ACTIVE, ScheduleState.PAUSED


def test_as_written_is_in_step() -> None:
    verdict = judge(_schedule(ACTIVE, in_step=True), _desired(), _observed(_desired()))
    assert (verdict.action, verdict.wish, verdict.by_hand) == (None, None, False)


@pytest.mark.parametrize("in_step", [True, False])
@pytest.mark.parametrize("switch", ["deployment", "schedule"])
def test_a_pause_after_we_wrote_active_is_a_persons_even_amid_our_change(*, in_step: bool, switch: str) -> None:
    written = _observed(_desired(generation=2))
    there = replace(written, paused=True) if switch == "deployment" else replace(written, active=False)
    assert judge(_schedule(ACTIVE, in_step=in_step), _desired(), there).wish is Wish.PAUSE


def test_a_pause_that_we_wrote_is_not_a_persons() -> None:
    """We resumed, and crashed before Prefect heard of it."""
    verdict = judge(_schedule(ACTIVE, in_step=False), _desired(), _observed(_desired(paused=True, generation=2)))
    assert verdict.wish is None
    assert isinstance(verdict.action, Update)
    assert "paused" in verdict.action.fields
    assert not verdict.by_hand


def test_without_a_mark_our_table_is_the_witness() -> None:
    there = replace(_observed(_desired()), mark=None, paused=True)
    assert judge(_schedule(ACTIVE, in_step=True), _desired(), there).wish is Wish.PAUSE
    assert judge(_schedule(ACTIVE, in_step=False), _desired(), there).wish is None


def test_a_resume_is_a_wish_for_a_paused_schedule_alone() -> None:
    there = replace(_observed(_desired(paused=True)), paused=False)
    assert judge(_schedule(PAUSED, in_step=True), _desired(paused=True), there).wish is Wish.RESUME
    suspended = judge(_schedule(ScheduleState.SUSPENDED, in_step=True), _desired(paused=True), there)
    assert (suspended.wish, suspended.by_hand) == (None, True)


def test_our_change_and_a_newer_mailroom_are_no_hand() -> None:
    written = _observed(_desired(generation=2))
    ours = judge(_schedule(ACTIVE, in_step=False), _desired(cron="0 8 * * *"), written)
    newer = judge(_schedule(ACTIVE, in_step=True), _desired(cron="0 8 * * *"), written)
    hand = judge(_schedule(ACTIVE, in_step=True), _desired(), replace(written, cron="0 8 * * *"))
    assert [verdict.by_hand for verdict in (ours, newer, hand)] == [False, False, True]
    for verdict in (ours, newer, hand):
        assert isinstance(verdict.action, Update)
        assert "cron" in verdict.action.fields


@pytest.mark.parametrize("seen", [2, 4])
def test_a_difference_while_another_generation_is_wanted_is_no_hand(seen: int) -> None:
    """The row still says `synced`, as while a change of ours is on its way or after an older copy was restored."""
    row = _schedule(ACTIVE, in_step=True)
    row.observed_generation = seen
    edited = replace(_observed(_desired()), cron="0 8 * * *")
    assert judge(row, _desired(), edited).by_hand is False
    assert judge(row, _desired(), None).by_hand is False
    assert judge(row, _desired(), replace(edited, mark=None, paused=True)).wish is None


def test_a_lost_mark_alone_is_written_again_without_a_word() -> None:
    verdict = judge(_schedule(ACTIVE, in_step=True), _desired(), replace(_observed(_desired()), mark=None))
    assert isinstance(verdict.action, Update)
    assert verdict.action.fields == {"mark"}
    assert not verdict.by_hand


def test_a_missing_deployment_was_deleted_by_hand_if_it_was_there() -> None:
    for in_step in (True, False):
        verdict = judge(_schedule(ACTIVE, in_step=in_step), _desired(), None)
        assert isinstance(verdict.action, Create)
        assert verdict.by_hand is in_step


def test_the_mark_is_read_as_it_was_written() -> None:
    mark = Mark(12, paused=True, digest="0123456789ab")
    description = "Sales\n\nOf all regions (12 active)."
    assert unsigned(signed(description, mark)) == (description, mark)
    assert unsigned(signed("", mark)) == ("", mark)
    for text in ("", "1.0", "(12 paused)", "(x active 0123456789ab)", f"({mark}) and more"):
        assert unsigned(text) == (text, None)


def test_only_what_bears_all_our_signs_is_a_stray() -> None:
    settings, own = Settings(), _observed(_desired())
    known = {ID: ACTIVE}
    copy = replace(own, name="copy")
    assert stray(own, known, settings) is None
    assert stray(copy, known, settings) is not None
    assert stray(own, {ID: ScheduleState.DELETED}, settings) is not None
    assert stray(own, {}, settings) is not None
    for other in (
        replace(copy, tags=("mailroom",)),
        replace(copy, tags=(schedule_tag(ID),)),
        replace(copy, tags=("mailroom", schedule_tag(ID), schedule_tag("2"))),
    ):
        assert stray(other, known, settings) is None
    for elsewhere in (replace(own, directory="/srv/another"), replace(own, work_pool="another")):
        assert stray(elsewhere, {}, settings) is None, "another Mailroom on the same Prefect"


def test_many_unknown_schedules_mean_the_wrong_database() -> None:
    settings, own = Settings(), _observed(_desired())
    unknown = [found for _ in range(6) if (found := stray(own, {}, settings))]
    copy = stray(replace(own, name="copy"), {ID: ACTIVE}, settings)
    assert copy
    assert removable([*unknown, copy], ours=10) == [copy]
    assert removable([*unknown, copy], ours=60) == [*unknown, copy]


def test_writes_go_at_their_pace() -> None:
    pace, now = Pace(10), 100.0
    waited = [pace.delay(now) for _ in range(31)]
    assert waited[:11] == [0.0] * 11, "a second's worth at once"
    assert waited[-1] == pytest.approx(2.0)
    assert pace.delay(now + 60) == 0.0
