"""Ends a process in good order."""
