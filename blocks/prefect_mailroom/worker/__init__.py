"""The warm worker: `prefect worker start --type mailroom-warm --pool NAME`.

warm.py            the worker: claims runs, starts them on time, watches cancellation, stops in good order
settle.py          gives a run the state that its child could not report
claims.py          returns what a worker of the same name held when it was killed
claim_words.py     the message of a claim, and whose it is
backlog.py         which runs are due, at a cost that does not grow with the number of deployments
together.py        gathers the questions of many runs into one request
configuration.py   what a work pool can be set to
processes/         the processes that runs start in, and the worker's ends of them
prefect_private.py   every private part of Prefect that any of them uses
"""
