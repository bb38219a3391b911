"""The parts of the tests of rolling restarts and upgrades, which act on a stack of several of everything and judge it.

inbox.py     the mail server, which knows each mail by its recipient and its due time
changes.py   when a schedule was due, by the changes that were made to it; pure
judging.py   due times beside the ledger and the inbox; pure
people.py    those who make, change, pause and delete schedules through one API process or another
asking.py    somebody who asks the address before the API all the time
"""
