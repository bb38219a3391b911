"""The commands of the production guide, as they stand on the page. Pure."""

from __future__ import annotations

import re


def commands(text: str) -> list[str]:
    """Return the blocks that are marked as bash, each as one script, in their order."""
    return [block.strip() for block in re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)]
