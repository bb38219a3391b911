"""Say what is wrong, since when, whom it concerns and what to do: in mails, requests and notifications alike."""
