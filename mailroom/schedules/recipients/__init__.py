"""The people that schedules send to."""
