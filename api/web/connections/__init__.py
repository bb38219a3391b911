"""The list of connections."""
