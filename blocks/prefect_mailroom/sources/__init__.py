"""The sources of reports: `sql.py`, `http.py` and `shell.py` are Prefect blocks, `engine.py` needs no Prefect."""
