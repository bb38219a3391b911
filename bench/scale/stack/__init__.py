"""Several of everything as plain processes of this machine, for the bench and for tests.

environment.py   the settings of every process; docs/operations/several.md states the same
hosts.py         hosts with networks of their own, which can be cut off
answers.py       whether a process can be used
unit.py          a process that can be killed, and is started again
keeper.py        the supervisor: starts again what has died, as systemd does
postgres.py      Postgres from the wheel, for ordinary accounts
redis.py         Redis from the wheel, with what it acknowledged on its disk
front.py         one address before several servers, which leaves out those that do not answer
versions.py      another version of Mailroom beside today's, as on another host
whole.py         all of it in order
"""
