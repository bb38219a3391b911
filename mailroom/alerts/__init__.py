"""Alerts: who is told of an incident, by which route, and whether it went."""
