"""Undo the deletion of a schedule within its time, and finish it afterwards."""
