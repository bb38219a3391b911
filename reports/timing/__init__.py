"""When a schedule is due. Pure: the time and the calendar are passed in."""

from reports.timing.calculator import BusinessCalendar, is_due, occurrences
from reports.timing.model import Timing

__all__ = ["BusinessCalendar", "Timing", "is_due", "occurrences"]
