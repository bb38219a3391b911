"""Say refusals in the words of pages: what is wrong, what to do, and where on the pages that can be done. Pure.

The errors of the domain speak to everybody, so their remedies name REST calls, settings and commands, none of which a
page may show. Where such an error has a `code`, the page has words of its own in `CASES`; from all other text the
sentences that are for programs and operators are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from api.web.parts import Link
from mailroom.errors import (
    CheckFailed,
    Conflict,
    Fault,
    Forbidden,
    Gone,
    Invalid,
    LimitReached,
    NotFound,
    TooOften,
    Unavailable,
)
from prefect_mailroom.errors import MailroomError, Retryable

_NOT_FOR_PAGES = re.compile(
    r"/api/v\d|\b(?:GET|POST|PUT|PATCH|DELETE|HEAD) |\b(?:MAILROOM|PREFECT)_|`(?:mailroom|python)\b|\bdocs/|\.md\b"
    r"|\bETag\b|\bIf-Match\b|\bIdempotency-Key\b|\bnext_cursor\b|\bSee `errors`"
)
_IN_WORDS = {
    "set if_exists to timestamp": "choose “Keep both”",
    "set policy.jitter to spread the start": "spread its start",
}
"""What programs set, as it is chosen on pages."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_ASK = "Ask an administrator."


@dataclass(frozen=True, slots=True)
class Words:
    """A refusal as a page shows it.

    Attributes:
        heading: the kind of refusal in two or three words, such as "Not found".
        message: what is wrong.
        remedy: what to do; may be empty.
        link: where it can be done, if there is a page for it.
    """

    heading: str
    message: str
    remedy: str = ""
    link: Link | None = None

    @property
    def sentence(self) -> str:
        """Return what is wrong and what to do as one text."""
        return f"{self.message} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Case:
    """The words of a page for one code. An empty message keeps that of the error; `{ask}` is who can raise a limit."""

    remedy: str = ""
    link: Link | None = None
    message: str = ""


_SCHEDULES = Link("/schedules", "Go to your schedules")
_CONNECTIONS = Link("/connections", "See the connections")
_REPORTS = Link("/reports", "See the reports")
_USERS = Link("/settings/users", "See the users")
_GONE = "It was removed, or it is not shared with you."
CASES: Mapping[str, Case] = {
    "no_schedule": Case(_GONE, _SCHEDULES, "There is no such schedule."),
    "no_view": Case("It was removed already.", _SCHEDULES, "There is no such view."),
    "no_execution": Case(_GONE, Link("/executions", "See the runs"), "There is no such run."),
    "no_event": Case(_GONE, None, "There is no such event."),
    "no_query": Case("Choose one of the report's queries.", None, "The report has no query of this name."),
    "no_column": Case("Enter one of its columns.", None, "The query has no column of this name."),
    "no_rows_to_ask": Case(
        "Choose “always” or “when the data has changed”.",
        None,
        "The report passes on its files as they are, so its rows are not known.",
    ),
    "no_file": Case(_GONE, Link("/executions", "See the runs"), "There is no such file."),
    "no_report": Case("Choose one of the reports.", _REPORTS, "There is no such report."),
    "no_connection": Case("Choose one of the connections.", _CONNECTIONS, "There is no such connection."),
    "no_calendar": Case("Choose one of the calendars.", Link("/calendars", "See the calendars")),
    "unknown_country": Case("Choose one of the countries in the list."),
    "no_user": Case(_GONE, _USERS, "There is no such user."),
    "no_team": Case(_GONE, Link("/settings/teams", "See the teams"), "There is no such team."),
    "no_key": Case(_GONE, Link("/settings/keys", "See your keys"), "There is no such key."),
    "no_notification": Case(_GONE, Link("/notifications", "See the notifications"), "There is no such notification."),
    "no_session": Case("It has ended already.", Link("/me", "See where you are logged in"), "There is no such log-in."),
    "no_stop": Case("It was resumed already."),
    "no_suppression": Case("It was taken off the list already."),
    "read_only": Case(
        "Try again later. What is shown here stays as it is.", message="Nothing can be changed just now."
    ),
    "stopped": Case("Wait until an administrator lets it go on."),
    "not_permitted": Case("An administrator can give you the right to.", message="You may not do this."),
    "reassign_first": Case("Hand the schedule over to somebody else first."),
    "long_backfill": Case("Choose a shorter range, and go on from its end afterwards."),
    "short_interval": Case("Choose a longer interval, or ask {ask} to allow a shorter one."),
    "corrected_already": Case("Correct that correction instead.", message="This run was corrected already."),
    "owner_stays": Case(
        "Whoever runs Mailroom can name another user for it first.",
        message="Mailroom itself acts for this user, who stays an active administrator with this address.",
    ),
    "user_taken": Case("Choose another one, or change the user who has it.", _USERS),
    "team_taken": Case("Choose another one, or change the team that has it.", Link("/settings/teams", "See the teams")),
    "no_passwords": Case("Log in through your organisation's account."),
    "password_of_another": Case("Make a one-time link for the user instead."),
    "report_in_use": Case("Delete its schedules first, or put them on another report.", _SCHEDULES),
    "address_in_use": Case("Take the address off all schedules first."),
    "no_incident": Case(
        "It may have been removed since, or it concerns others. Your notifications name those that you see."
    ),
    "key_too_long": Case("Choose an earlier end."),
    "file_expired": Case("Run the schedule again to make it anew; the record of this run stays."),
    "day_out_of_range": Case("Choose today or a day within a year.", Link("/executions", "See what ran before")),
    # The types of pydantic's errors, as far as it speaks to programmers.
    "missing": Case("Fill this in.", message="This is needed."),
    "extra_forbidden": Case("Load the page again, and repeat your change.", message="This entry is not known here."),
    "string_too_short": Case("Fill this in.", message="This is too short."),
    "int_parsing": Case("Enter a whole number, such as 5.", message="This is no whole number."),
    "int_type": Case("Enter a whole number, such as 5.", message="This is no whole number."),
    "int_from_float": Case("Enter a whole number, such as 5.", message="This is no whole number."),
    "float_parsing": Case("Enter a number, such as 2.5.", message="This is no number."),
    "float_type": Case("Enter a number, such as 2.5.", message="This is no number."),
    "time_parsing": Case("Enter a time, such as 09:00.", message="This is no time of day."),
    "time_type": Case("Enter a time, such as 09:00.", message="This is no time of day."),
    "date_parsing": Case("Enter a day, such as 2026-11-30.", message="This is no day."),
    "date_from_datetime_parsing": Case("Enter a day, such as 2026-11-30.", message="This is no day."),
    "date_type": Case("Enter a day, such as 2026-11-30.", message="This is no day."),
    "datetime_parsing": Case("Enter a day and a time.", message="This is no point in time."),
    "datetime_from_date_parsing": Case("Enter a day and a time.", message="This is no point in time."),
    "timezone_aware": Case("Enter a day and a time.", message="This time has no time zone."),
    "bool_parsing": Case("Choose yes or no."),
    "enum": Case("Choose one of the list.", message="This is none of the choices."),
    "literal_error": Case("Choose one of the list.", message="This is none of the choices."),
    "union_tag_invalid": Case("Choose one of the list.", message="This is none of the choices."),
    "union_tag_not_found": Case("Choose one of the list.", message="Nothing was chosen here."),
    "string_pattern_mismatch": Case("Correct it.", message="This is not written as it has to be."),
}
"""The words of pages by the `code` of an error or of a fault."""

_HEADINGS: tuple[tuple[type, str], ...] = (
    # The first match counts: derived classes stand before their bases.
    (NotFound, "Not found"),
    (Forbidden, "Not allowed"),
    (Gone, "No longer there"),
    (LimitReached, "The limit is reached"),
    (TooOften, "Too many at once"),
    (Conflict, "Not possible now"),
    (Unavailable, "Not available now"),
    (Invalid, "Something is not right yet"),
    (Retryable, "Not possible right now"),
    (MailroomError, "Not done"),
)
_STALE = Case(
    "Load the page again to see the change, and then repeat yours. Nothing was overwritten.",
    message="This was changed after you opened it.",
)
_INVALID = "Some entries are not right yet. They are marked below."


def words(error: MailroomError) -> Words:
    """Return an error of the domain as a page shows it. Those of an `Invalid` are its faults, see `of_fault`."""
    cause = error.cause if isinstance(error, CheckFailed) else error
    heading = next(heading for base, heading in _HEADINGS if isinstance(cause, base))
    if isinstance(cause, Invalid):
        if len(cause.faults) == 1:
            one = of_fault(cause.faults[0])
            return Words(heading, one.message, one.remedy, one.link)
        return Words(heading, _INVALID)
    if isinstance(cause, Conflict) and cause.stale:
        return Words(heading, _STALE.message, _STALE.remedy)
    ask = cause.limited.ask if isinstance(cause, LimitReached | TooOften) else ""
    return _worded(heading, cause.message, cause.remedy, cause.code, ask)


def of_fault(fault: Fault) -> Words:
    """Return one fault as a page shows it beside its field, as whole sentences."""
    ask = fault.limited.ask if fault.limited else ""
    return _worded("Something is not right yet", fault.message, fault.remedy, fault.code, ask)


def for_pages(text: str) -> str:
    """Return a text without the sentences that only programs and operators can use."""
    for code, words in _IN_WORDS.items():
        text = text.replace(code, words)
    return " ".join(one for one in _SENTENCE_END.split(text) if not _NOT_FOR_PAGES.search(one)).strip()


def _worded(heading: str, message: str, remedy: str, code: str, ask: str) -> Words:
    case = CASES.get(code, Case())
    told = case.message or _sentence(for_pages(message)) or f"{heading}."
    if case.remedy:
        return Words(heading, told, case.remedy.replace("{ask}", ask or "an administrator"), case.link)
    left = for_pages(remedy)
    # A remedy that is only for operators is theirs to carry out.
    return Words(heading, told, left or (_ASK if remedy else ""), case.link)


def _sentence(text: str) -> str:
    """Return a text that begins like a sentence: the message of a fault can go on after the name of its field."""
    return text[:1].upper() + text[1:]
