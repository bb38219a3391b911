"""Alerts: who was told of which incident, and a test of the routes."""
