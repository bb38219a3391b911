"""Say for each kind of incident what it is, what happened, what to do, and that it is over. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailroom.incidents.spec import IncidentKind
from mailroom.incidents.words.story import Story, counted
from mailroom.watching.levels.spec import LevelName
from prefect_mailroom.channels.email.texts.moments import moment_words

K = IncidentKind
Says = Callable[[Story], str]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a kind.

    Attributes:
        title: what is wrong, in a line.
        happened: what happened, in sentences, without the reason.
        todo: what to do, one sentence each.
        over: how it is now that it is over.
    """

    title: Says
    happened: Says
    todo: tuple[str, ...]
    over: Says


def words_of(kind: IncidentKind) -> Words:
    """Return the words of a kind."""
    return _WORDS[kind]


def _failures(story: Story) -> str:
    count = story.values.get("failures", story.values.get("count"))
    in_a_row = f", {count} times in a row" if isinstance(count, int) and count > 1 else ""
    if not story.is_one:
        return "Their last attempts failed, and their reports have not reached everybody."
    return f"The last attempt to send its report failed{in_a_row}. Not everybody has got it."


def _suspended(story: Story) -> str:
    """Return the cause of a suspension as a sentence with a blank behind it; '' where it is not known."""
    failures = story.values.get("failures")
    match story.values.get("cause"):
        case "failures" if isinstance(failures, int):
            return f"It failed {failures} times in a row. "
        case "owner":
            return "Its owner may own schedules no longer. "
        case "report":
            return "It does not fit the new version of its report. "
    return ""


def _missed(story: Story) -> str:
    due = _when(story, "due_at", "due", "first", "last")
    at = f" that was due on {due}" if due else ""
    return (
        f"The run{at} did not happen in time, and it is not made up for by itself."
        if story.is_one
        else ("Runs did not happen in time, and they are not made up for by themselves.")
    )


def _when(story: Story, *names: str) -> str:
    """Return the first of these values that is a time, as the reader has it."""
    for name in names:
        found = story.values.get(name)
        try:
            moment = datetime.fromisoformat(found) if isinstance(found, str) else None
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            return moment_words(moment.isoformat(), story.zone)
    return ""


def _waiting(story: Story) -> str:
    count = story.values.get("waiting", story.values.get("count"))
    number = (
        f"{counted(count, 'run')} that should have begun" if isinstance(count, int) else "Runs that should have begun"
    )
    return f"{number} still wait. Reports will be late."


def _disk(story: Story) -> str:
    free = story.values.get("free_mb")
    left = f" {free:,.0f} MB are left." if isinstance(free, int | float) else ""
    return f"There is little room left on the disk of Mailroom.{left} When it is full, no report can be made."


def _clock(story: Story) -> str:
    ahead = story.values.get("ahead_seconds")
    differs = "It differs from the database's"
    if isinstance(ahead, int):
        differs = f"It is {counted(abs(ahead), 'second')} {'ahead of' if ahead > 0 else 'behind'} the database's"
    return f"{differs}. Mailroom does not use it, but far sides may refuse certificates and signed requests by it."


def _folder(story: Story) -> str:
    found = {
        "missing": "Its folder is not marked as the store: it is another one, or its share is not mounted.",
        "other": "Its folder is marked as another store.",
    }.get(str(story.values.get("found")), "It looks at another folder.")
    return f"{found} What is rendered there is not found by the other hosts, and the other way round."


def _credential(story: Story) -> str:
    """Return what a key or a secret is called: a key has a name of its owner's, and the first part of it as subject."""
    what, name = story.values.get("what"), story.values.get("name")
    is_known = what in ("key", "secret", "secret of the connection") and isinstance(name, str) and name
    return f"The {what} {name}" if is_known else story.subject


def _ends(story: Story) -> str:
    """Return when it ends, in the zone of the reader; '' where it is only old."""
    return _when(story, "at", "ends_at", "expires_at", "until")


def _is_old(story: Story) -> bool:
    return isinstance(story.values.get("days_old"), int) and not _ends(story)


def _ending(story: Story) -> str:
    if _is_old(story):
        return f"{_credential(story)} has been in use for {counted(story.values['days_old'], 'day')}."
    at = _ends(story)
    return f"{_credential(story)} is valid until {at}." if at else f"{story.subject} will soon no longer be valid."


_LEVELS = {
    LevelName.SUCCESS: "runs that succeed",
    LevelName.ON_TIME: "runs that come in time",
    LevelName.RECOVERY: "failures that recover",
    LevelName.ADOPTION: "people with a schedule",
}


def _which_level(story: Story) -> str:
    """Return what a level promises, as the page Monitoring calls it."""
    return _LEVELS[LevelName(story.subject)] if story.subject in set(LevelName) else story.subject.replace("_", " ")


def _level(story: Story) -> str:
    said = "Reports have failed or come late more often than was agreed."
    good, total, goal = (story.values.get(name) for name in ("good", "total", "goal"))
    if isinstance(good, int) and isinstance(total, int) and isinstance(goal, float):
        said += f" Of {counted(total, 'run')} in 24 hours {good} were as promised; the goal is {100 * goal:g} %."
    return said


def _plain(text: str) -> Says:
    return lambda _story: text


_SEES = "The page of the schedule shows each run, what failed, and a button to try it again."
_WORDS: Mapping[IncidentKind, Words] = {
    K.SCHEDULE_FAILING: Words(
        lambda story: f"{story.what} {'fails' if story.is_one else 'fail'}",
        _failures,
        (
            _SEES,
            "If the data or a connection is at fault, tell whoever looks after it; then retry what was not delivered.",
        ),
        lambda story: f"{story.what} {'has' if story.is_one else 'have'} delivered again.",
    ),
    K.OCCURRENCE_MISSED: Words(
        lambda story: f"{story.what}: {'a run was' if story.is_one else 'runs were'} missed",
        _missed,
        ("Decide whether the report is still wanted: the page of the run has a button to make it now.",),
        lambda story: "It has been taken care of.",
    ),
    K.SCHEDULE_SUSPENDED: Words(
        lambda story: f"{story.what} {'was' if story.is_one else 'were'} suspended",
        lambda story: (
            "Nothing is sent until it is resumed." if story.is_one else "Nothing is sent until they are resumed."
        ),
        ("Correct what is wrong, then resume the schedule on its page.",),
        lambda story: f"{story.what} {'is' if story.is_one else 'are'} no longer suspended.",
    ),
    K.CONNECTION_FAILING: Words(
        lambda story: f"The connection {story.subject} does not work",
        _plain("Reports that should go out through it wait, or have failed. They go on by themselves once it works."),
        (
            "An admin can check the connection on its page, which tells step by step what does not work.",
            "If a password, a key or a certificate has changed, enter the new one there.",
        ),
        lambda story: f"The connection {story.subject} works again, and what waited goes out.",
    ),
    K.SYNC_STUCK: Words(
        lambda story: f"Changes of {story.what if story.schedules else 'schedules'} do not reach Prefect",
        _plain("What was changed is stored, but Prefect still runs what was there before."),
        ("An operator should look whether Prefect answers, and what the log of Mailroom says.",),
        _plain("Prefect has all changes again."),
    ),
    K.PREFECT_SILENT: Words(
        _plain("Prefect does not answer"),
        _plain("No run begins while Prefect is away. What was due meanwhile follows when it is back."),
        ("Start Prefect's server again, or mend the network between it and Mailroom.",),
        _plain("Prefect answers again, and what was due follows."),
    ),
    K.WORKER_SILENT: Words(
        _plain("No worker makes reports"),
        _plain("No worker of the work pool has given a sign of life, so that no run begins."),
        ("Start a worker again; `mailroom doctor` shows what is missing.",),
        _plain("A worker is back, and what was due follows."),
    ),
    K.LOOP_DEAD: Words(
        lambda story: f"The background work '{story.subject}' has stopped",
        _plain("It has not ended a round for too long, so that what it looks after is left undone."),
        ("Look at the log of Mailroom, and start its process again if it does not recover.",),
        lambda story: f"The background work '{story.subject}' goes on.",
    ),
    K.QUEUE_BEHIND: Words(
        _plain("Runs wait too long"),
        _waiting,
        ("Start another worker or raise its limit, or move schedules to a quieter minute.",),
        _plain("Runs begin in time again."),
    ),
    K.DISK_LOW: Words(
        _plain("The disk is nearly full"),
        _disk,
        ("Make room, or give Mailroom a larger disk. Files of reports can be kept for fewer days.",),
        _plain("There is enough room again."),
    ),
    K.CLOCK_WRONG: Words(
        lambda story: f"The clock of {story.subject} is wrong",
        _clock,
        ("Synchronise the clock of this host, as with chrony.",),
        lambda story: f"The clock of {story.subject} agrees with the database's again.",
    ),
    K.ARTIFACTS_WRONG: Words(
        lambda story: f"{story.subject} does not have the rendered files of the other hosts",
        _folder,
        ("Mount the shared folder on this host, where its programs look for it.",),
        lambda story: f"{story.subject} has the rendered files of the others again.",
    ),
    K.CREDENTIAL_ENDING: Words(
        lambda story: f"{_credential(story)} {'is old' if _is_old(story) else 'ends soon'}",
        _ending,
        ("Make a new one, enter it in place of this one, and revoke this one.",),
        lambda story: f"{_credential(story)} was replaced or revoked.",
    ),
    K.TRAIL_CONTRADICTED: Words(
        _plain("The audit trail does not fit its checkpoints"),
        _plain("Entries of the audit trail are not what was signed for. Somebody may have changed them."),
        ("Keep the database and the file of checkpoints as they are, and find out who had access to them.",),
        _plain("The audit trail fits its checkpoints again."),
    ),
    K.LEVEL_MISSED: Words(
        lambda story: f"A service level is missed: {_which_level(story)}",
        _level,
        ("The page Monitoring shows which reports failed or came late.",),
        _plain("The service level is met again."),
    ),
}
