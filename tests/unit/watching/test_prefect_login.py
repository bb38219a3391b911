"""Our own requests to Prefect log in as Prefect's client does."""

from __future__ import annotations

from prefect.client.orchestration import PrefectClient

from mailroom.watching.signs import prefect_login


async def test_the_header_is_that_of_prefects_own_client() -> None:
    url = "http://127.0.0.1:9/api"
    by_password, by_key = PrefectClient(url, auth_string="ada:päss"), PrefectClient(url, api_key="pnu_1")
    for client, environment in (
        (by_password, {"PREFECT_API_AUTH_STRING": "ada:päss"}),
        (by_key, {"PREFECT_API_KEY": "pnu_1"}),
    ):
        theirs = client._client.headers["Authorization"]
        assert prefect_login.headers(environment) == {"Authorization": theirs}
    assert prefect_login.headers({}) == {}
