"""The processes that runs start in: a zygote with flows imported, and the children that it forks.

pool.py       gives runs to idle children; spawns, replaces and retires them
handles.py    the worker's ends of a zygote and of a child
zygote.py     a clean single-threaded process with the flow imported; forks the children
child.py      runs Prefect's own engine, one flow run at a time
rehearsal.py  one run of an empty flow before the fork, so that no child has to do a first run
code.py       what a zygote is for, and when it is out of date
wire.py       JSON lines between these processes
"""
