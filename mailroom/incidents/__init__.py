"""Incidents: what is wrong now, from when to when, each told once."""
