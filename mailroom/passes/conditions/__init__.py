"""Whether a report that was rendered is sent, by its schedule's condition."""
