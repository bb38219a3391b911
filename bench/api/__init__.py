"""Many people at our API at once: how long answers take, what the guard costs, and how many requests a second it bears.

data.py       10,000 schedules of 200 people with keys, with executions and deliveries, stored directly
requests.py   what people ask for, and how often
load.py       people who think between requests, and requests that come at a fixed rate
outcomes.py   how its runs ended
guard.py      what the look-up of the key and the question to the permission table cost
__main__.py   the command `make bench-api`
"""
