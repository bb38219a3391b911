"""Offer languages of dates and numbers to choose from, each with an example. Pure."""

from __future__ import annotations

from datetime import datetime

from babel.numbers import format_decimal

from api.web.parts import Option
from api.web.when import When, locale_of, zone_of

LOCALES = (
    *("en-GB", "en-US", "en-CA", "en-AU", "en-IN", "de-DE", "de-AT", "de-CH", "fr-FR", "fr-CA", "fr-CH", "es-ES"),
    *("es-MX", "it-IT", "nl-NL", "pt-BR", "pt-PT", "da-DK", "sv-SE", "nb-NO", "fi-FI", "pl-PL", "cs-CZ", "tr-TR"),
    *("uk-UA", "el-GR", "he-IL", "ar-EG", "hi-IN", "ja-JP", "ko-KR", "zh-CN", "zh-TW"),
)


def locale_options(when: When, *, chosen: str = "") -> tuple[Option, ...]:
    """Return the languages, by their own names; one that was chosen elsewhere is among them."""
    names = LOCALES if not chosen or chosen in LOCALES else (chosen, *LOCALES)
    return tuple(Option(name, _words(name, when.now)) for name in names)


def _words(name: str, now: datetime) -> str:
    locale = locale_of(name)
    own = locale.get_display_name(locale) or name
    day = When(zone_of("UTC"), locale, hours24=True, now=now).day(now.date())
    return f"{own[:1].upper()}{own[1:]}: {day}; {format_decimal(1204.5, locale=locale)}"
