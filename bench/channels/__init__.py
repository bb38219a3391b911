"""Measure the cost and speed of the channels against servers that others wrote; `python -m bench.channels`."""
