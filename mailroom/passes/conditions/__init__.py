"""Decide by its schedule's condition whether a report that was rendered is sent."""
