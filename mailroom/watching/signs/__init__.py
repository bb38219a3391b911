"""What each process sees around it: Prefect, its disk, the audit trail. It is written beside its signs of life.

A process that asks for itself could tell another story than its neighbour; what is wrong would then open and close in
turns. So the finders of incidents read what all have seen.
"""
