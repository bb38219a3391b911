"""Every fault of a report folder: its file, its line, its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailroom.reports.folders.folder import FolderProblem, ReportFolderError, load_catalog, load_folder
from prefect_mailroom.errors import ConfigurationError

GOOD = """\
title: Sales
description: What was sold
source:
  kind: sql
  connection: shop
  queries:
    main: {file: main.sql}
    inline: |
      select 1 as one
      where :day is not null
parameters:
  type: object
  properties:
    day: {type: string, format: date, default: 2026-01-31}
sections:
  - kind: text
    text: On {{ day }} there were {{ main.n }}.
  - kind: table
    query: main
    columns:
      - {name: n, format: integer}
formats: [pdf, csv]
data_window: day
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "daily-sales"
    path.mkdir()
    (path / "report.yaml").write_text(GOOD)
    (path / "main.sql").write_text("select 1 as n\nwhere :day <> ''\n")
    return path


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / "report.yaml").read_text()
    assert old in text
    (folder / "report.yaml").write_text(text.replace(old, new))


def problems(folder: Path) -> list[FolderProblem]:
    with pytest.raises(ReportFolderError) as caught:
        load_folder(folder)
    error = caught.value
    assert isinstance(error, ConfigurationError)
    assert (error.file, error.line) == (error.problems[0].file, error.problems[0].line)
    for problem in error.problems:
        assert problem.remedy
        assert f"{problem.file}:{problem.line}: {problem.message} {problem.remedy}" in str(error)
    return error.problems


def test_a_good_folder_becomes_a_definition(folder: Path) -> None:
    (folder / "template.html.j2").write_text("<h1>{{ report.title }}</h1>")
    definition, _ = load_folder(folder)
    assert definition.id == "daily-sales"
    assert definition.source.kind == "sql"
    assert definition.source.queries["main"] == "select 1 as n\nwhere :day <> ''\n"
    assert definition.parameters["properties"]["day"]["default"] == "2026-01-31"
    assert definition.template == "<h1>{{ report.title }}</h1>"


def test_the_version_follows_every_file(folder: Path) -> None:
    first = load_folder(folder)[0].version
    (folder / "main.sql").write_text("select 2 as n where :day <> ''")
    assert load_folder(folder)[0].version != first


@pytest.mark.parametrize(
    ("old", "new", "line", "words", "remedy"),
    [
        ("title: Sales", "titel: Sales", 1, "'titel' is not a known key", "Did you mean 'title'?"),
        ("title: Sales\n", "", 1, "'title' is missing", "Add 'title"),
        ("connection: shop", "conection: shop", 5, "'conection' is not a known key", "'connection'"),
        ("    query: main\n", "    query: main\n    colums: []\n", 20, "'colums' is not a known key", "'columns'"),
        ("format: integer}", "fromat: integer}", 21, "'fromat' is not a known key", "'format'"),
        ("kind: table", "kind: tabel", 18, "'tabel' is not a known kind", "table"),
        ("kind: sql", "kind: sequel", 4, "'sequel' is not a known kind", "sql"),
        ("formats: [pdf, csv]", "formats: [pdf,\n  cvs]", 23, "'cvs'", "Did you mean 'csv'?"),
        ("formats: [pdf, csv]", "formats: []", 22, "'formats'", "Correct"),
        ("query: main\n", "query: maine\n", 19, "uses the query 'maine'", "Name a query"),
        ("{{ main.n }}", "{{ mian.n }}", 17, "'mian'", "Did you mean 'main'?"),
        ("{{ day }}", "{{ day|upper }}", 17, "Filter", "{{ parameter }}"),
        ("data_window: day", "data_window: from..day", 23, "'from'", "from..to"),
        ("default: 2026-01-31", "default: soon", 14, "the default", "JSON Schema"),
        ("type: string,", "type: strin,", 14, "strin", "JSON Schema"),
        ("type: object", "type: array", 12, "type: object", "JSON Schema"),
        ("      where :day", "      where :dya", 10, "':dya'", "Did you mean ':day'?"),
        ("select 1 as one", "select 1; select 2", 9, "second statement", "one statement"),
        ("main: {file: main.sql}", "main: {file: mian.sql}", 7, "no file mian.sql", "Put the file"),
        ("main: {file: main.sql}", "main: {flie: main.sql}", 7, "neither SQL text nor a file", "{file: name.sql}"),
        ("main: {file: main.sql}", "main: {file: ../main.sql}", 7, "outside", "Put the file"),
        ("main: {file: main.sql}", "main: {file: /etc/passwd}", 7, "outside", "Put the file"),
        ("description: What", "title: Twice\ndescription: What", 2, "'title' is used twice", "line 1"),
        ("title: Sales", "id: x\ntitle: Sales", 1, "'id'", "daily-sales"),
        ("title: Sales", "title: [Sales", 2, "not YAML", "Check indentation"),
        ("title: Sales", "title: !!python/object:os.system x", 1, "tag", "plain values"),
        ("title: Sales", "title: &a Sales\nowner: *a", 1, "Anchors", "again"),
        ("title: Sales", "title: \x07", 1, "forbidden character", "Remove"),
        ("title: Sales", "? [a]\n: b\ntitle: Sales", 1, "key is not text", "name: value"),
        ("title: Sales", "title: 5", 1, "'title'", "Correct"),
    ],
)
def test_a_fault_has_its_line_and_a_remedy(
    folder: Path, old: str, new: str, line: int, words: str, remedy: str
) -> None:
    change(folder, old, new)
    found = [problem for problem in problems(folder) if words in problem.message]
    assert [(problem.file.name, problem.line) for problem in found] == [("report.yaml", line)]
    assert remedy in found[0].remedy


def test_a_fault_in_a_sql_file_has_that_files_line(folder: Path) -> None:
    (folder / "main.sql").write_text("select 1 as n\nfrom t\nwhere :day = 1; drop table t")
    (problem,) = problems(folder)
    assert (problem.file, problem.line) == (folder / "main.sql", 3)


def test_a_fault_in_the_template_has_that_files_line(folder: Path) -> None:
    (folder / "template.html.j2").write_text("<p>\n{% for x in y %}\n</p>")
    (problem,) = problems(folder)
    assert problem.file == folder / "template.html.j2"
    assert problem.line >= 2


def test_all_faults_are_told_at_once(folder: Path) -> None:
    change(folder, "title: Sales", "titel: Sales")
    change(folder, "kind: table", "kind: tabel")
    change(folder, "connection: shop", "connection: The Shop")
    change(folder, "main: {file: main.sql}", "main: {file: mian.sql}")
    assert [problem.line for problem in problems(folder)] == [1, 1, 5, 7, 18]


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.sql"
    outside.write_text("select 1 as n where :day = 1")
    (folder / "main.sql").unlink()
    (folder / "main.sql").symlink_to(outside)
    (problem,) = [problem for problem in problems(folder) if "main.sql" in problem.message]
    assert "outside" in problem.message
    (folder / "main.sql").unlink()
    (folder / "other.sql").write_text("select 1 as n where :day = 1")
    (folder / "main.sql").symlink_to("other.sql")
    assert any("symbolic link" in problem.message for problem in problems(folder))


def test_a_link_for_the_template_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("top secret")
    (folder / "template.html.j2").symlink_to(tmp_path / "secret")
    assert any("outside" in problem.message for problem in problems(folder))


def test_a_folder_without_report_yaml(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path)
    assert (problem.file, problem.line) == (tmp_path / "report.yaml", 1)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"- a\n", b"x" * 1_000_001, b"[" * 5000])
def test_a_file_that_is_no_report(folder: Path, content: bytes) -> None:
    (folder / "report.yaml").write_bytes(content)
    assert len(problems(folder)) == 1


def test_the_folders_name_is_the_id(folder: Path) -> None:
    renamed = folder.rename(folder.parent / "Daily Sales")
    (problem,) = problems(renamed)
    assert "'Daily Sales'" in problem.message


def test_plain_words_stay_words(folder: Path) -> None:
    change(folder, "description: What was sold", "description: no")
    assert load_folder(folder)[0].description == "no"


def test_a_catalog_keeps_the_good_beside_the_bad(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / ".hidden").mkdir()
    change(folder, "default: 2026-01-31}", "default: 2026-01-31}\n    unused: {type: string}")
    catalog = load_catalog(tmp_path)
    assert list(catalog.reports) == ["daily-sales"]
    assert [error.file.parent.name for error in catalog.errors] == ["broken"]
    assert ["'unused'" in warning.message for warning in catalog.warnings] == [True]


def test_a_catalog_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder"):
        load_catalog(tmp_path / "nowhere")


HTTP = """\
title: Export
source: {kind: http, connection: bi, path: /export, content: pdf, pass_on: true}
formats: [pdf]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("path: /export", "path: 'http://evil'", "not a path"),
        ("path: /export", "path: //evil", "not a path"),
        ("path: /export", "path: /a/../b", "not a path"),
        ("pass_on: true", "pass_on: false", "cannot be read out of pdf"),
        ("formats: [pdf]", "formats: [pdf, csv]", "passed on unchanged"),
        ("pass_on: true", "pass_on: true, query: {a: '{nope}'}", "{nope}"),
    ],
)
def test_faults_of_an_export(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "export"
    path.mkdir()
    (path / "report.yaml").write_text(HTTP)
    load_folder(path)
    change(path, old, new)
    assert any(words in problem.message for problem in problems(path))
