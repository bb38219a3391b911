"""Checks of what several hosts must agree on."""
