"""Measure how long it takes to apply many schedules from a folder of documents."""
