"""Send the mails that were claimed, each once."""
