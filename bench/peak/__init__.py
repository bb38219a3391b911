"""The peak hour: N schedules due at one minute, through the whole stack on one machine."""
