"""Secrets of connections that are kept as code: where they are, and where they come from."""
