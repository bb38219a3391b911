"""Decide what becomes of schedules when their report changes."""
