"""Show an object as the document that `mailroom apply` takes, and say which objects come from code."""
