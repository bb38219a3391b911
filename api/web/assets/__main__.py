"""Pack what the pages need: `python -m api.web.assets`, which `make setup` runs."""

from __future__ import annotations

import sys

from api.web.assets.pack import pack
from api.web.assets.packed import STATIC

packed = pack(STATIC)
if "icons.svg" not in packed:
    sys.stderr.write("The pages are packed without icons and htmx, since their packages are not there.\n")
