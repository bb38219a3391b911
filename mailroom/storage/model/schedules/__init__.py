"""Tables beside that of schedules."""
