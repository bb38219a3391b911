"""`make bench-scale`: several of everything on one machine, killed at the peak, and what more schedules cost.

stack/      the processes, as an operator would start them on several hosts, with a supervisor as systemd is one
"""
