"""Google's client for one bucket: its own session, few retries, nothing of the environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.api_core.retry import Retry
from google.cloud.storage import Client
from google.cloud.storage.exceptions import InvalidResponse

from prefect_mailroom.channels.gcs.wire.faults import BUSY, retry_after
from prefect_mailroom.channels.gcs.wire.login import Account
from prefect_mailroom.channels.gcs.wire.session import Session, token_request
from prefect_mailroom.channels.objects import guarded

_NO_PROJECT = "none"
_RETRY_SECONDS = 4
"""Let Google's client try a request again for so long; what it cannot mend then is tried again by our own schedule."""
_SHARE_OF_AN_ANSWER = 0.25
_MOST_SECONDS = 150


class Connected:
    """The client of one attempt.

    Attributes:
        client: Google's own.
        session: what it sends with.
        seconds: how long one answer may take, and one piece of an upload.
        was_lost: whether a connection was lost in the middle of a request; set back by whoever wants to know.
    """

    def __init__(self, account: Account, *, seconds: float) -> None:
        """Fetch no token yet, but look for the machine's identity where it is used."""
        self.bucket = account.bucket
        self.links = guarded.Links()
        self.seconds = min(_MOST_SECONDS, seconds * _SHARE_OF_AN_ANSWER)
        self.was_lost = False
        self.request = token_request(self.bucket, self.links)
        self.credentials = account.credentials(self.request)
        self.session = Session(self.bucket, self.credentials, self.links)
        self.client: Any = Client(
            project=self.bucket.project or _NO_PROJECT,
            credentials=self.credentials,
            client_options={"api_endpoint": self.bucket.endpoint},  # Given, so no variable is asked for it.
            _http=self.session,
        )
        self.client.update_user_agent("mailroom")
        # Left alone, it asks for facts about the bucket as well, from a thread of its own.
        self.client._bucket_metadata_cache = None
        self._is_cut = False

    def log_in(self) -> None:
        """Fetch a new token, whether or not there is one."""
        self.credentials.refresh(self.request)

    def retry(self) -> Retry:
        """Return when a request is tried again at once."""
        may: Callable[[Exception], bool] = self.may_be_tried_again
        return Retry(predicate=may, initial=0.2, maximum=2, multiplier=2, timeout=_RETRY_SECONDS)

    def cut(self) -> None:
        """Cut every connection at once, from any thread."""
        self._is_cut = True
        self.links.cut()

    def may_be_tried_again(self, error: Exception) -> bool:
        """Tell whether what failed in this way may be tried again at once."""
        if self._is_cut:
            return False
        if isinstance(error, GoogleAPICallError | InvalidResponse):
            response = error.response
            # Whoever names a time is asked again at that time, by our own schedule.
            return response is not None and response.status_code in BUSY and retry_after(response) is None
        if not isinstance(error, requests.RequestException) or guarded.refusal(error) is not None:
            return False
        self.was_lost = True
        is_slow = isinstance(error, requests.Timeout | requests.exceptions.SSLError)
        return isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError) and not is_slow
