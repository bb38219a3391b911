"""Say what an incident is about, what happened and what to do: the same words in the API, on pages and in mails."""
