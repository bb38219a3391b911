"""How long what has happened is kept, and its removal in small batches."""
