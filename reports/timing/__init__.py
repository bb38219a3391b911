"""When a schedule is due. Pure: the time and the calendar are passed in."""

from reports.timing.business import BusinessCalendar
from reports.timing.calculator import Occurrence, closest, is_due, occurrences, scheduled
from reports.timing.model import Timing

__all__ = ["BusinessCalendar", "Occurrence", "Timing", "closest", "is_due", "occurrences", "scheduled"]
