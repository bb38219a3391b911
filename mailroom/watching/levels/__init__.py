"""Service levels: what is promised of all runs together, and how far it is kept."""
