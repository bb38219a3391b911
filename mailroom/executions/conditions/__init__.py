"""Conditions that a schedule's report has to meet to be sent."""
