"""Say in a few words what a draft is."""
