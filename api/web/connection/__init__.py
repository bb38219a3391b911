"""One connection: a new one, its settings, its check, who uses it, and who may."""
