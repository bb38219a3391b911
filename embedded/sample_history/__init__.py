"""Sample data: schedules with a month of history, so that the pages of a new installation are worth looking at.

Everything in it belongs to schedules that are marked as samples (`export_schedules.is_sample`). They are left out of
accounts, statistics and alerts, and `mailroom samples remove` takes them away.
"""
