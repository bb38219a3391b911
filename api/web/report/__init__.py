"""One report: its preview, its picture, its versions and the schedules on it."""
