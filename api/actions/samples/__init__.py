"""Sample schedules with a history, which show what the pages look like in use."""
