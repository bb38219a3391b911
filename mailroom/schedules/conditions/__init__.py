"""Checks that the condition of a schedule fits its report."""
