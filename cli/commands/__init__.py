"""One command, or one family of commands, a file; each is imported when it is called."""
