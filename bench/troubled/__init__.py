"""The troubled hour: schedules due at one moment while everything around them fails, and a checker from outside."""
