"""The people who get reports: which address gets what, and to which address nothing is ever sent."""
