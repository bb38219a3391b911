"""What the channels cost and how fast they are, against servers that others wrote; `python -m bench.channels`."""
