"""The list of business calendars."""
