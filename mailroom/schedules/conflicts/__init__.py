"""Warn the owner of a valid schedule about likely problems. Nothing here prevents a schedule from being saved."""
