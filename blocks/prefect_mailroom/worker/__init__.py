"""The warm worker: `prefect worker start --type mailroom-warm --pool NAME`.

warm.py       the worker: claims runs, starts them on time, watches cancellation, stops in good order
settle.py     gives a run the state that its child could not report
backlog.py    which runs are due, at a cost that does not grow with the number of deployments
pool.py       gives runs to idle children; spawns, replaces and retires them
handles.py    the worker's ends of a zygote and of a child
zygote.py     a clean single-threaded process with the flow imported; forks the children
child.py      runs Prefect's own engine, one flow run at a time
configuration.py   what a work pool can be set to
code.py       what a zygote is for, and when it is out of date
wire.py       JSON lines between these processes
prefect_private.py   every private part of Prefect that any of them uses
"""
