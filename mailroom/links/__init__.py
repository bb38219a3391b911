"""Links in what is sent, which open without a log-in: to fetch files, and to stop mails."""
