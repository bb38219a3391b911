"""Where reports get their data: `sql.py`, `http.py` and `shell.py` are Prefect blocks, `engine.py` needs no Prefect."""
