"""Make the page of one's own settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.actions.login.account import Overview
from api.actions.sessions.views import SessionView
from api.actions.users.views import UserView
from api.web import words
from api.web.choices.locales import locale_options
from api.web.choices.zones import zone_options
from api.web.parts import Field, Moment, Option
from api.web.when import When
from mailroom.members.passwords import LONGEST, SHORTEST

Errors = Mapping[str, tuple[str, ...]]
_METHODS = {"password": "password", "oidc": "your organisation's account", "link": "one-time link"}
_THEMES = (Option("auto", "As the device has it"), Option("light", "Light"), Option("dark", "Dark"))
_DENSITIES = (Option("comfortable", "Comfortable"), Option("compact", "Compact: more rows on a screen"))


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in of a browser; `browser` is what it seems to be."""

    id: str
    browser: str
    agent: str
    address: str
    method: str
    began: Moment
    seen: Moment
    current: bool


@dataclass(frozen=True, slots=True)
class MePage:
    """The page.

    Attributes:
        password: the fields of the form of the password; empty where one logs in otherwise, or with a key.
        others: how many other log-ins there are.
    """

    name: str
    email: str
    role: str
    preferences: tuple[Field, ...]
    password: tuple[Field, ...]
    has_password: bool
    sessions: tuple[Session, ...]
    others: int


def page_of(
    user: UserView,
    found: Overview,
    sessions: Sequence[SessionView],
    when: When,
    *,
    local: bool,
    given: Mapping[str, str] | None = None,
    errors: Errors | None = None,
) -> MePage:
    """Return the page.

    Args:
        local: whether one can have a password here.
        given: what was sent and refused, by the names of fields.
    """
    shown = tuple(_session(one, when) for one in sessions)
    return MePage(
        name=user.name,
        email=user.email,
        role=words.ROLES[user.role],
        preferences=_preferences(user, when, given or {}, errors or {}),
        password=_password(user, found, errors or {}) if local else (),
        has_password=found.has_password,
        sessions=shown,
        others=sum(not one.current for one in shown),
    )


def _preferences(user: UserView, when: When, given: Mapping[str, str], errors: Errors) -> tuple[Field, ...]:
    kept = {"timezone": user.timezone, **user.preferences.model_dump(), **given}
    hours = (Option("24", "24 hours, such as 17:30"), Option("12", "12 hours, such as 5:30 PM"))

    def field(name: str, label: str, control: str, options: tuple[Option, ...], hint: str = "") -> Field:
        return Field(name, label, control, str(kept[name]), options, hint, errors.get(name, ()))  # type: ignore[arg-type]  # one of Control

    zone = zone_options(user.timezone, (), when.now)
    languages = locale_options(when, chosen=user.preferences.locale)
    return (
        field("timezone", "Time zone", "select", zone, "Times on pages are in it, and so are your new schedules."),
        field("locale", "Language of dates and numbers", "select", languages),
        field("hours", "Clock", "radios", hours),
        field("theme", "Colours", "radios", _THEMES),
        field("density", "Rows of lists", "radios", _DENSITIES),
    )


def _password(user: UserView, found: Overview, errors: Errors) -> tuple[Field, ...]:
    limits = {"maxlength": str(LONGEST)}
    current = Field(
        "current",
        "Current password",
        "password",
        errors=errors.get("current", ()),
        attributes={"autocomplete": "current-password", **limits},
    )
    new = Field(
        "new",
        "New password",
        "password",
        hint=f"{SHORTEST} characters or more. A sentence of several words is easy to remember.",
        errors=errors.get("new", ()),
        attributes={"autocomplete": "new-password", **limits},
    )
    # Password managers want to know whose it is.
    whose = Field("username", "", "hidden", user.email)
    return (whose, current, new) if found.has_password else (whose, new)


def _session(one: SessionView, when: When) -> Session:
    return Session(
        id=one.id,
        browser=browser_words(one.agent),
        agent=one.agent,
        address=one.address,
        method=_METHODS.get(one.method, one.method),
        began=when.moment(one.created_at, short=True),
        seen=when.moment(one.last_seen_at, relative=True, short=True),
        current=one.current,
    )


def browser_words(agent: str) -> str:
    """Return what a browser calls itself in two words, such as "Firefox on Windows"."""
    # The order matters: most browsers also call themselves Safari, and some Chrome.
    names = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))
    systems = (
        *(("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad")),
        *(("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
    )
    name = next((told for mark, told in names if mark in agent), "A browser")
    system = next((told for mark, told in systems if mark in agent), "")
    return f"{name} on {system}" if system else name
