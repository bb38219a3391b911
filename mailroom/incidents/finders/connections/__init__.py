"""Find connections that do not work: `decide` says which, `reads` asks the database, `finder` brings them together."""
