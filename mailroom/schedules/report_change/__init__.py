"""What becomes of schedules when their report changes."""
