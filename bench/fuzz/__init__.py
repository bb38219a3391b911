"""Send what nobody would send: Schemathesis against the running API, with every check, as each role.

data.py       what is there before: people of each role and things of theirs
config.py     how Schemathesis is set up, with a reason beside each check that is not as it comes
fuzz.py       one role: requests are sent until there are enough, and what the checks say is kept
report.py     the table and bench/out/fuzz-api.json
__main__.py   the command `make fuzz-api`
"""
