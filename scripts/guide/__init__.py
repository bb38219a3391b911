"""The production guide, followed: its commands taken from the page, and carried out in the folder of a bare Debian."""
