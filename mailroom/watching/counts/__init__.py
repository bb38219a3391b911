"""Counts of each hour of due times, kept beside the ledger, from which levels, figures and charts are reckoned."""
