"""Remove each guard of the ledger once, in a copy of the checkout, and see that a test turns red: `make guards`.

guards.py     the guards: what each is for, its text, what stands there without it, and the tests that watch it
removal.py    copies the checkout, takes a guard out of the copy and puts it back
__main__.py   the command: goes through the guards and prints what turned red
"""
