"""The delivery channels: one file or folder each; `registry.py` lists them, `base.py` says what each of them is."""
