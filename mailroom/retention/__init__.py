"""Keep what has happened for its time, and remove it afterwards in small batches."""
