"""Schedules that are not there yet: drafts, which become schedules or change them."""
