"""Schedules and the limits of their owners: asked when one is saved or given away, and again when it sends."""
