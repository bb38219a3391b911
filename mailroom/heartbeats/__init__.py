"""Signs of life of what runs in the background, kept in the database so that others can see when one stops."""
