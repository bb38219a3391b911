"""Hand the files to a program of the worker's machine."""
