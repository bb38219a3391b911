"""Tell the guard of what leaves where our own servers and databases are, so that nothing is ever sent there.

The guard is in the Prefect collection, which knows nothing of our settings. It reads them from an environment variable,
which every process that connects to hosts of users writes when it starts, and its children inherit.
"""

from __future__ import annotations

import os

from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.never_targets import OWN_VARIABLE, entries_of, file_entry


def own_endpoints(settings: Settings) -> list[str]:
    """Return the entries of all that these settings name: our API, Prefect's, and both databases; no secret.

    Each setting whose name ends in `_url` counts, so that one that is added later is closed too. The mail catcher's
    port for mail stays open, since the demo delivers to it; its pages show everybody's mail, so they are closed.

    Raises:
        ConfigurationError: one of the URLs cannot be read.
    """
    urls = {
        f"MAILROOM_{name.upper()}": str(getattr(settings, name))
        for name in type(settings).model_fields
        if name.endswith("_url")
    }
    urls["MAILROOM_DATABASE_URL"] = settings.database
    urls["MAILROOM_PREFECT_API_URL"] = settings.prefect_api
    urls["MAILROOM_PUBLIC_ADDRESS"] = settings.public_url
    if (counts := settings.rate_limit_storage.get_secret_value()) != "memory":
        urls["MAILROOM_RATE_LIMIT_STORAGE"] = counts
    urls["MAILROOM_API_PORT"] = f"http://{_in_url(settings.host)}:{settings.api_port}"
    found = []
    if settings.mode == "embedded":
        urls["MAILROOM_MAIL_WEB_PORT"] = f"http://{_in_url(settings.host)}:{settings.mail_web_port}"
        found.append(file_entry(settings.data_dir / "prefect" / "prefect.db"))
    for name, url in urls.items():
        try:
            found += entries_of(url)
        except ValueError:
            message = f"{name} cannot be read as a URL."
            raise ConfigurationError(message, remedy="Correct it and start again.", field=name) from None
    return list(dict.fromkeys(found))


def close(settings: Settings) -> None:
    """Close our own endpoints to every channel and source of this process and of those that it starts.

    Raises:
        ConfigurationError: see `own_endpoints`.
    """
    os.environ[OWN_VARIABLE] = " ".join(own_endpoints(settings))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
