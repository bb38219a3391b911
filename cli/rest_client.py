"""Calls the REST API for the command line; its problem documents become our errors."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from mailroom.errors import Unavailable
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError, MailroomError


class ApiProblem(MailroomError):
    """The API refused; `status` is its HTTP status, `problem` the RFC 9457 document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        faults = problem.get("errors") or []
        told = "; ".join(_fault(fault) for fault in faults if isinstance(fault, dict))
        detail = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
        super().__init__(f"{detail} {told}".strip() if told else detail, remedy=str(problem.get("remedy") or ""))
        self.status, self.problem = status, problem


def _fault(fault: dict[str, Any]) -> str:
    parts = [str(fault.get(key) or "") for key in ("message", "remedy")]
    field = str(fault.get("field") or "")
    return " ".join(part for part in (f"{field}:" if field else "", *parts) if part)


class MailroomClient:
    """Calls `/api/v1` with the key of the settings or of the data folder.

    Raises:
        ConfigurationError: there is no key.
    """

    def __init__(self, settings: Settings, *, timeout: float = 30) -> None:
        self.base = f"http://{settings.host}:{settings.api_port}"
        self._client = httpx.Client(
            base_url=f"{self.base}/api/v1",
            headers={"Authorization": f"Bearer {api_key(settings)}"},
            timeout=httpx.Timeout(timeout, connect=5),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Any:
        """Make one request; returns the decoded JSON, None for an empty answer.

        Raises:
            ApiProblem: the API refused.
            Unavailable: it does not answer.
        """
        try:
            answer = self._client.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            raise Unavailable(
                f"The API does not answer at {self.base} ({type(error).__name__}).",
                remedy="Start it with `mailroom up`, or set MAILROOM_HOST and MAILROOM_API_PORT to where it runs.",
            ) from error
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        raise ApiProblem(answer.status_code, problem if isinstance(problem, dict) else {})

    def pages(self, path: str, **query: str) -> list[Any]:
        """Return every item of a list that is paged by cursor."""
        found, cursor = [], None
        while True:
            asked = httpx.QueryParams({**query, "limit": "200", **({"cursor": cursor} if cursor else {})})
            page = self.call("GET", f"{path}?{asked}")
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found


def api_key(settings: Settings) -> str:
    """Return the key of the settings, or the one that `init` left in the data folder.

    Raises:
        ConfigurationError: there is none.
    """
    if key := settings.api_key.get_secret_value():
        return key
    path = settings.data_dir / "api-key"
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"There is no API key: MAILROOM_API_KEY is not set, and {path} cannot be read.",
            remedy="Run `mailroom up` or `mailroom init` with this MAILROOM_DATA_DIR, or set the variable.",
        ) from error
