"""`python -m embedded.mailcatcher --folder mails --smtp-port 2525 --web-port 8025`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from embedded.mailcatcher import serve_mailcatcher
from prefect_mailroom.errors import ConfigurationError


def main() -> int:
    """Serve until interrupted; 2 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m embedded.mailcatcher", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the mails are kept, as .eml files")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--web-port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    try:
        asyncio.run(serve_mailcatcher(given.folder, given.smtp_port, given.web_port, given.host))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
