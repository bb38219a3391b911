"""Make the daily digest of minor issues."""
