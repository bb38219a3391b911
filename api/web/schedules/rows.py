"""Make the rows of the list of schedules. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.schedules.home import listing
from api.web import words
from api.web.drawings import strip
from api.web.drawings.strip import StripImage
from api.web.parts import Chip, Moment
from api.web.visitor import Visitor
from mailroom.access.permissions import Action
from mailroom.executions.history.last_result import BAD
from mailroom.schedules.listing.repository import Goes as Sends
from mailroom.states import ScheduleState

_STOPPED = {ScheduleState.PAUSED, ScheduleState.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Goes:
    """A channel of a row: an icon with a number, and the same in words."""

    icon: str
    number: int
    words: str


@dataclass(frozen=True, slots=True)
class Do:
    """An entry of a row's menu: a link, or a button of the form that the list is."""

    href: str
    words: str
    icon: str
    posts: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list; `ticks` says whether the visitor may change it together with others."""

    id: str
    name: str
    sentence: str
    chip: Chip
    state_note: str
    sync: Chip | None
    sample: Chip | None
    strip: StripImage
    last: Chip | None
    last_href: str
    last_at: Moment | None
    next: Moment | None
    goes: tuple[Goes, ...]
    owner: str
    ticks: bool
    menu: tuple[Do, ...]


def row(one: listing.Row, visitor: Visitor) -> Row:
    """Return a row as this visitor sees it."""
    when, last = visitor.when, one.last
    counts = last.deliveries if last else None
    return Row(
        id=one.id,
        name=one.name,
        sentence=one.sentence,
        chip=words.schedule_chip(one.state, last.status if last else None),
        state_note=f"after {words.count(one.failures, 'failure')}"
        if one.state is ScheduleState.SUSPENDED and one.failures
        else "",
        sync=words.SYNC[one.sync],
        sample=words.SAMPLE if one.is_sample else None,
        strip=strip.image(strip.Occurrence(str(run.status), run.due_at) for run in one.recent),
        last=words.execution_chip(last.status, delivered=counts.delivered, total=counts.total)
        if last and counts
        else None,
        # The id of the run would make the page a tenth heavier.
        last_href=f"/schedules/{one.id}/last" if last and last.status in BAD else "",
        last_at=when.moment(last.due_at, short=True) if last else None,
        next=when.moment(one.next_run, short=True, relative=True) if one.next_run else None,
        goes=tuple(_goes(goes) for goes in one.goes),
        owner=one.owner,
        ticks=visitor.may(Action.SCHEDULE_BULK) and visitor.may(Action.SCHEDULE_PAUSE, one.owner_id),
        menu=_menu(one, visitor),
    )


def _goes(goes: Sends) -> Goes:
    number = goes.recipients
    if goes.channel == "email":
        said = f"{words.count(number, 'person', 'people')} by e-mail"
    else:
        said = words.places(goes.channel, number)
    return Goes(words.kind_icon(goes.channel), number, said)


def _menu(one: listing.Row, visitor: Visitor) -> tuple[Do, ...]:
    here = f"/schedules/{one.id}"

    def may(action: Action) -> bool:
        return visitor.may(action, one.owner_id)

    active = one.state is ScheduleState.ACTIVE
    offered = (
        (active and may(Action.SCHEDULE_PAUSE), Do(f"{here}/pause", "Pause", "pause", posts=True)),
        (
            one.state in _STOPPED and may(Action.SCHEDULE_RESUME),
            Do(f"{here}/resume", "Resume", "play", posts=True),
        ),
        (active and may(Action.SCHEDULE_RUN), Do(f"{here}/run", "Run now …", "play")),
        (may(Action.SCHEDULE_TEST), Do(f"{here}/test", "Send a test to me", "send", posts=True)),
        (may(Action.SCHEDULE_CHANGE), Do(f"{here}/edit", "Edit", "pencil")),
        (visitor.may(Action.SCHEDULE_CREATE), Do(f"/schedules/new?from={one.id}", "Duplicate", "copy")),
        (may(Action.SCHEDULE_DELETE), Do(f"{here}/delete", "Delete", "trash-2", posts=True)),
    )
    return tuple(do for is_offered, do in offered if is_offered)
