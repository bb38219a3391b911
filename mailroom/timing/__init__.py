"""Calculates when a schedule is due. Pure: the time and the calendar are passed in."""

from mailroom.timing.business import BusinessCalendar
from mailroom.timing.calculator import Occurrence, closest, is_due, occurrences, scheduled
from mailroom.timing.model import TIMING, Timing

__all__ = ["TIMING", "BusinessCalendar", "Occurrence", "Timing", "closest", "is_due", "occurrences", "scheduled"]
