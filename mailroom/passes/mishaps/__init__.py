"""Keep what goes wrong inside Mailroom itself from deciding what becomes of an execution."""
