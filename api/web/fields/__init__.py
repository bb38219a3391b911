"""Turn a JSON Schema into the fields of a form, and what a form sent back into data that fits the schema."""
