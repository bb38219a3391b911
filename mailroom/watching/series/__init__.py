"""Read what the page Monitoring draws: how things went through a period, and how they stand."""
