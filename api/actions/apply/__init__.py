"""Apply documents, say what would change, and write what is there as documents."""
