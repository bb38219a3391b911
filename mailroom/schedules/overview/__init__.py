"""Gather what one page says of a schedule: what came of its due times, how well it does, and whom it reaches."""
