"""Correct a wrong report: it is rendered again and sent, marked so, to those who got the wrong one."""
