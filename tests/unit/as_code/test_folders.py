"""Folders that are not as they should be: each fault has its file, its line and what to do, and nothing hangs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.commands.as_code import files
from cli.commands.as_code.files import Source, load
from cli.commands.as_code.sending import MOST_BYTES_OF_ONE, nameless, too_large
from mailroom.as_code.text import written
from tests.support import documents

HEAD = b"apiVersion: mailroom/v1\nkind: team\nname: a\n"


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        (HEAD + b"spec:\n\tname: A\n", ":5:1", "spaces"),
        (HEAD + b"spec:\n  name: A\n  name: B\n", ":6:1", "line 5"),
        (HEAD + b"spec: &a {name: A}\nother: *a\n", ":4:1", "again"),
        (HEAD + b"spec: {name: B\xfcro}\n", ":4", "UTF-8"),
        (HEAD + b"spec: {name: 1e999}\n", ":4:14", "quotes"),
        (HEAD + b"spec: {name: " + b"1" * 5000 + b"}\n", ":4:14", "quotes"),
        (HEAD + b"spec: {name: \x00}\n", ":4:1", "Remove"),
        (HEAD + b'spec: {name: "\\ud800"}\n', ":4:17", "quotes"),
        (HEAD + b"spec: !!python/object:os.system {}\n", ":4:7", "plain"),
        (b"- " * 5000, ":1:1", "fewer"),
        (b"just words\n", ":1:1", "kind"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line_and_the_way_out(
    tmp_path: Path, text: bytes, place: str, word: str
) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(text)
    found = load([tmp_path])
    assert found.sources == []
    (problem,) = found.problems
    assert problem.place == f"{file}{place}"
    assert word in problem.remedy


@pytest.mark.parametrize(
    "text",
    [HEAD.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + HEAD, HEAD + b"---\n", b"# First\n---\n" + HEAD + b"...\n---\n"],
)
def test_line_ends_of_windows_a_byte_order_mark_and_empty_documents_are_no_fault(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.yaml").write_bytes(text)
    found = load([tmp_path])
    assert ([one.label for one in found.sources], found.problems) == (["team/a"], [])


def test_links_that_lead_back_end_and_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(HEAD)
    below = tmp_path / "below"
    below.mkdir()
    (tmp_path / "self").symlink_to(".")
    (below / "up").symlink_to("..")
    (tmp_path / "itself.yaml").symlink_to("itself.yaml")
    found = load([tmp_path])
    assert [one.label for one in found.sources] == ["team/a"]
    assert {one.place for one in found.problems} == {str(tmp_path / one) for one in ("self", "below/up", "itself.yaml")}


def test_a_link_to_another_folder_is_followed(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.yaml").write_bytes(HEAD)
    root = tmp_path / "root"
    root.mkdir()
    (root / "teams").symlink_to(shared)
    found = load([root])
    assert ([one.label for one in found.sources], found.problems) == (["team/a"], [])


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    (problem,) = load([tmp_path]).problems
    assert problem.place == str(tmp_path / "a.yaml")


def test_two_files_of_one_object_are_refused_with_both_places(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_bytes(HEAD)
    (problem,) = load([tmp_path]).problems
    assert problem.place == f"{tmp_path / 'b.yaml'}:3:1"
    assert f"{tmp_path / 'a.yaml'}:3:1" in problem.message


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST_BYTES", 10)
    (tmp_path / "a.yaml").write_bytes(HEAD)
    found = load([tmp_path])
    assert (found.sources, [one.place for one in found.problems]) == ([], [str(tmp_path / "a.yaml")])


def test_a_document_that_no_request_can_hold_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(written(documents.report(template="é" * MOST_BYTES_OF_ONE)))
    (source,) = load([file]).sources
    (problem,) = too_large([source, Source(file, documents.report())])
    assert problem.place.startswith(f"{file}:")


@pytest.mark.parametrize(("text", "place"), [(b"kind: taem\nname: a\n", ":1:1"), (b"kind: team\nname: 12\n", ":2:1")])
def test_a_document_whose_object_is_not_known_is_found_before_something_is_pruned(
    tmp_path: Path, text: bytes, place: str
) -> None:
    (tmp_path / "a.yaml").write_bytes(text)
    (tmp_path / "b.yaml").write_bytes(HEAD)
    (problem,) = nameless(load([tmp_path]).sources)
    assert problem.place == f"{tmp_path / 'a.yaml'}{place}"
