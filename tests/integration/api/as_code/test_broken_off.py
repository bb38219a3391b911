"""Commands that are refused or break off: what was done is told, and nothing is deleted by mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.commands.as_code import commands, sending
from cli.rest_client import MailroomClient
from mailroom.as_code.text import written
from mailroom.errors import Unavailable
from prefect_mailroom.errors import MailroomError
from tests.integration.api.as_code.test_commands import Run, run, served  # noqa: F401  # fixtures
from tests.integration.api.conftest import Api
from tests.support import documents


def folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / f"{name}.yaml").write_text(written(documents.schedule(name, name=name)))
    return root


async def names_of(api: Api) -> set[str]:
    return {one["name"] for one in (await api.json("GET", "/schedules/", 200))["items"]}


async def test_nothing_is_pruned_for_a_document_whose_object_is_not_known(
    served: Api,  # noqa: F811
    run: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    folder(tmp_path, "a", "b", "c")
    assert (await run(commands.apply, file=[tmp_path]))[0] == 0
    mistyped = tmp_path / "c.yaml"
    mistyped.write_text(mistyped.read_text().replace("kind: schedule", "kind: schedul"))
    status, _, told = await run(commands.apply, file=[tmp_path], prune=True)
    assert (status, f"{mistyped}:3:" in told) == (1, True), told
    mistyped.write_text(written(documents.schedule("c2", name="c2", parameters={"region": "Mars"})))
    status, _, told = await run(commands.apply, file=[tmp_path], prune=True)
    assert (status, "pruned" in told) == (1, True), told
    assert await names_of(served) == {"a", "b", "c"}
    folder(tmp_path, "c")
    (tmp_path / "b.yaml").unlink()
    status, shown, _ = await run(commands.apply, file=[tmp_path], prune=True)
    assert (status, "- deleted schedule/b" in shown) == (0, True), shown
    assert await names_of(served) == {"a", "c"}


async def test_a_folder_without_documents_is_a_mistake_and_not_a_success(
    served: Api,  # noqa: F811
    run: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.txt").write_text("kind: schedule")
    for command in (commands.apply, commands.diff):
        with pytest.raises(MailroomError):
            await run(command, file=[tmp_path])
    assert await names_of(served) == set()


@pytest.mark.parametrize("error", [Unavailable("The API does not answer."), KeyboardInterrupt()])
async def test_where_it_breaks_off_what_was_done_is_told_and_the_next_time_goes_on(
    served: Api,  # noqa: F811
    run: Run,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    folder(tmp_path, "a", "b", "c")
    call, calls = MailroomClient.call, []

    def break_off(client: MailroomClient, *arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) > 1:
            raise error
        return call(client, *arguments, **options)

    with monkeypatch.context() as broken:
        broken.setattr(sending, "MOST_DOCUMENTS", 2)
        broken.setattr(MailroomClient, "call", break_off)
        with pytest.raises(type(error)):
            await run(commands.apply, file=[tmp_path], as_json=True)
        told = capfd.readouterr()
    assert [one["name"] for one in json.loads(told.out)] == ["a", "b"]
    assert "2 of 3" in told.err
    assert await names_of(served) == {"a", "b"}
    status, shown, _ = await run(commands.apply, file=[tmp_path])
    assert (status, "1 created, 2 unchanged" in shown) == (0, True), shown
