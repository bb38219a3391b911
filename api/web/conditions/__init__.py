"""The part of pages that asks when a report is sent, and says what that would have meant for past runs."""
