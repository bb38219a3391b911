"""Runs everything on one machine, under one supervisor, with its data below one folder."""
