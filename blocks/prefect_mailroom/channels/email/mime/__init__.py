"""The parts of a mail as bytes, and how its files travel."""
