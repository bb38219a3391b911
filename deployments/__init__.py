"""Schedules <-> Prefect: desired state, observed state, their difference, and the only writer."""
