"""Say what can be chosen from on several pages: time zones, and languages of dates."""
