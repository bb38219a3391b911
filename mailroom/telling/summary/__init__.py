"""Make the weekly summary of each user: what was sent, what failed, and what comes."""
