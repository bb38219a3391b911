"""Who changed a deployment, by its mark; which deployments are strays; how fast writes go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from deployments.sync.deployment_mark import DeploymentMark, digest_of, signed, unsigned
from deployments.sync.desired import Desired, schedule_tag
from deployments.sync.diff import Create, Update, shown_by
from deployments.sync.drift_judge import Wish, judge_drift
from deployments.sync.observed import Observed
from deployments.sync.stray_finder import removable_strays, stray_of
from deployments.write_limiter import WriteLimiter
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
        mark=DeploymentMark(written.generation, written.paused, digest_of(shown_by(written))),
        updated=datetime(2026, 1, 1, tzinfo=UTC),
        updated_by="",
    )


def _schedule(state: ScheduleState, *, in_step: bool, generation: int = 3) -> Schedule:
    sync = SyncState.SYNCED if in_step else SyncState.PENDING
    seen = generation if in_step else generation - 1
    return Schedule(id=ID, state=state, sync_state=sync, generation=generation, observed_generation=seen)


ACTIVE, PAUSED = ScheduleState.ACTIVE, ScheduleState.PAUSED


def test_as_written_is_in_step() -> None:
    verdict = judge_drift(_schedule(ACTIVE, in_step=True), _desired(), _observed(_desired()))
    assert (verdict.action, verdict.wish, verdict.by_hand) == (None, None, False)


@pytest.mark.parametrize("in_step", [True, False])
@pytest.mark.parametrize("switch", ["deployment", "schedule"])
def test_a_pause_after_we_wrote_active_is_a_persons_even_amid_our_change(*, in_step: bool, switch: str) -> None:
    written = _observed(_desired(generation=2))
    there = replace(written, paused=True) if switch == "deployment" else replace(written, active=False)
    assert judge_drift(_schedule(ACTIVE, in_step=in_step), _desired(), there).wish is Wish.PAUSE


def test_a_pause_that_we_wrote_is_not_a_persons() -> None:
    """We resumed, and crashed before Prefect heard of it."""
    verdict = judge_drift(_schedule(ACTIVE, in_step=False), _desired(), _observed(_desired(paused=True, generation=2)))
    assert verdict.wish is None
    assert isinstance(verdict.action, Update)
    assert "paused" in verdict.action.fields
    assert not verdict.by_hand


def test_without_a_mark_our_table_is_the_witness() -> None:
    there = replace(_observed(_desired()), mark=None, paused=True)
    assert judge_drift(_schedule(ACTIVE, in_step=True), _desired(), there).wish is Wish.PAUSE
    assert judge_drift(_schedule(ACTIVE, in_step=False), _desired(), there).wish is None


def test_a_resume_is_a_wish_for_a_paused_schedule_alone() -> None:
    there = replace(_observed(_desired(paused=True)), paused=False)
    assert judge_drift(_schedule(PAUSED, in_step=True), _desired(paused=True), there).wish is Wish.RESUME
    suspended = judge_drift(_schedule(ScheduleState.SUSPENDED, in_step=True), _desired(paused=True), there)
    assert (suspended.wish, suspended.by_hand) == (None, True)


def test_our_change_and_a_newer_mailroom_are_no_hand() -> None:
    written = _observed(_desired(generation=2))
    ours = judge_drift(_schedule(ACTIVE, in_step=False), _desired(cron="0 8 * * *"), written)
    newer = judge_drift(_schedule(ACTIVE, in_step=True), _desired(cron="0 8 * * *"), written)
    hand = judge_drift(_schedule(ACTIVE, in_step=True), _desired(), replace(written, cron="0 8 * * *"))
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
    assert judge_drift(row, _desired(), edited).by_hand is False
    assert judge_drift(row, _desired(), None).by_hand is False
    assert judge_drift(row, _desired(), replace(edited, mark=None, paused=True)).wish is None


def test_a_lost_mark_alone_is_written_again_without_a_word() -> None:
    verdict = judge_drift(_schedule(ACTIVE, in_step=True), _desired(), replace(_observed(_desired()), mark=None))
    assert isinstance(verdict.action, Update)
    assert verdict.action.fields == {"mark"}
    assert not verdict.by_hand


def test_a_missing_deployment_was_deleted_by_hand_if_it_was_there() -> None:
    for in_step in (True, False):
        verdict = judge_drift(_schedule(ACTIVE, in_step=in_step), _desired(), None)
        assert isinstance(verdict.action, Create)
        assert verdict.by_hand is in_step


def test_the_mark_is_read_as_it_was_written() -> None:
    mark = DeploymentMark(12, paused=True, digest="0123456789ab")
    description = "Sales\n\nOf all regions (12 active)."
    assert unsigned(signed(description, mark)) == (description, mark)
    assert unsigned(signed("", mark)) == ("", mark)
    for text in ("", "1.0", "(12 paused)", "(x active 0123456789ab)", f"({mark}) and more"):
        assert unsigned(text) == (text, None)


def test_only_what_bears_all_our_signs_is_a_stray() -> None:
    settings, own = Settings(), _observed(_desired())
    known = {ID: ACTIVE}
    copy = replace(own, name="copy")
    assert stray_of(own, known, settings) is None
    assert stray_of(copy, known, settings) is not None
    assert stray_of(own, {ID: ScheduleState.DELETED}, settings) is not None
    assert stray_of(own, {}, settings) is not None
    for other in (
        replace(copy, tags=("mailroom",)),
        replace(copy, tags=(schedule_tag(ID),)),
        replace(copy, tags=("mailroom", schedule_tag(ID), schedule_tag("2"))),
    ):
        assert stray_of(other, known, settings) is None
    for elsewhere in (replace(own, directory="/srv/another"), replace(own, work_pool="another")):
        assert stray_of(elsewhere, {}, settings) is None, "another Mailroom on the same Prefect"


def test_many_unknown_schedules_mean_the_wrong_database() -> None:
    settings, own = Settings(), _observed(_desired())
    unknown = [found for _ in range(6) if (found := stray_of(own, {}, settings))]
    copy = stray_of(replace(own, name="copy"), {ID: ACTIVE}, settings)
    assert copy
    assert removable_strays([*unknown, copy], ours=10) == [copy]
    assert removable_strays([*unknown, copy], ours=60) == [*unknown, copy]


def test_writes_go_at_their_pace() -> None:
    limiter, now = WriteLimiter(10), 100.0
    waited = [limiter.delay(now) for _ in range(31)]
    assert waited[:11] == [0.0] * 11, "a second's worth at once"
    assert waited[-1] == pytest.approx(2.0)
    assert limiter.delay(now + 60) == 0.0
