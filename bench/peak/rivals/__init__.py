"""Alternatives that do the same work on the same machine, with the same renderers and mail server."""
