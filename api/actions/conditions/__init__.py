"""Say whether past runs of a schedule would have been sent."""
