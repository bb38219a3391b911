"""REST for the conditions of schedules."""
