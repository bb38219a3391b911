"""Tell readers that a report does not come in time, where its schedule says so."""
