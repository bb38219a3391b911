"""Finders look for what is wrong at this moment, one file a subject; `registry` lists them."""
