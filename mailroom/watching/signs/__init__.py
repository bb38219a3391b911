"""Write beside the signs of life of each process what it sees around it: Prefect, its disk, the audit trail.

A process that asks for itself could tell another story than its neighbour; what is wrong would then open and close in
turns. So the finders of incidents read what all have seen.
"""
