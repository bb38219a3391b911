"""Say what is packed for browsers: sizes, names, and what happens without the packages of Node."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from api.web import words
from api.web.assets import pack, packed, serving
from api.web.parts import Chip
from mailroom.errors import NotFound

ROOT = Path(__file__).resolve().parents[4]
LUCIDE: dict[str, Any] = {
    "icons": {"mail": {"body": "<path d='M0 0'/>"}, "trash": {"body": "<path d='M1 1'/>"}},
    "aliases": {"trash-2": {"parent": "trash"}},
}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return a folder with what can be packed without any package of Node."""
    pack.pack(tmp_path / "static", tmp_path / "nothing")
    return tmp_path / "static"


def content(target: Path, name: str) -> bytes:
    """Return a packed file."""
    return (target / packed.read_manifest(target)[name]).read_bytes()


def test_the_style_keeps_to_its_size(target: Path) -> None:
    style = content(target, "app.css")
    assert len(style) <= 40_000
    assert len(gzip.compress(style, 9)) <= 9_000


def test_our_script_keeps_to_its_size(target: Path) -> None:
    assert len(content(target, "app.js")) <= 4_096


def test_braces_of_the_style_are_in_pairs(target: Path) -> None:
    style = content(target, "app.css").decode()
    assert style.count("{") == style.count("}")
    assert "/*" not in style


def test_a_name_changes_with_its_content_only(tmp_path: Path) -> None:
    first = pack.pack(tmp_path / "one", tmp_path / "nothing")
    assert pack.pack(tmp_path / "two", tmp_path / "nothing") == first
    packages = tmp_path / "packages"
    (packages / pack.HTMX).parent.mkdir(parents=True)
    (packages / pack.HTMX).write_text("one")
    named = pack.pack(tmp_path / "two", packages)["htmx.js"]
    (packages / pack.HTMX).write_text("two")
    assert pack.pack(tmp_path / "two", packages)["htmx.js"] != named
    assert not (tmp_path / "two" / named).exists(), "what is no longer used is removed"


def test_without_the_packages_there_are_no_icons_and_no_htmx(target: Path) -> None:
    assert set(json.loads((target / packed.MANIFEST).read_text())) == {"app.css", "app.js", "favicon.svg"}


def test_nothing_packed_is_no_fault(tmp_path: Path) -> None:
    assert packed.read_manifest(tmp_path) == {}


def test_the_sheet_of_icons_has_what_was_asked_for() -> None:
    sheet = pack.sprite(LUCIDE, ["mail", "trash-2"])
    assert '<symbol id="mail" viewBox="0 0 24 24"><path d=\'M0 0\'/></symbol>' in sheet
    assert '<symbol id="trash-2" viewBox="0 0 24 24"><path d=\'M1 1\'/></symbol>' in sheet


def test_an_icon_that_lucide_does_not_have_stops_packing() -> None:
    with pytest.raises(KeyError):
        pack.sprite(LUCIDE, ["unicorn"])


def used_icons() -> set[str]:
    """Return the icons that the templates, the words and the views of the pages name."""
    web = ROOT / "api/web"
    found = {
        value.icon
        for table in vars(words).values()
        if isinstance(table, dict)
        for value in table.values()
        if isinstance(value, Chip)
    }
    found |= {icon for _, icon in words.CHANNELS.values()}
    for template in web.rglob("*.html"):
        found |= set(re.findall(r"""\bicon(?:=|\()\s*["']([a-z0-9-]+)["']""", template.read_text(encoding="utf-8")))
    for module in web.rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        found |= set(re.findall(r"""\bicon=["']([a-z0-9-]+)["']""", text))
        found |= set(
            re.findall(r"""\bChip\([^()]*,\s*["']([a-z0-9-]+)["'],\s*["'](?:ok|run|wait|warn|bad|off)["']\)""", text)
        )
    return found


def test_every_icon_in_use_is_on_the_sheet() -> None:
    used = used_icons()
    assert {"circle-check", "mail", "ellipsis", "triangle-alert"} <= used
    assert used - set(pack.icon_names()) == set()


async def test_a_packed_file_is_kept_for_a_year_and_sent_compressed(target: Path) -> None:
    app = FastAPI()
    app.include_router(serving.serve(target))
    name = packed.read_manifest(target)["app.css"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        plain = await client.get(f"/static/{name}", headers={"Accept-Encoding": "identity"})
        small = await client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip, br"})
    assert plain.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in plain.headers["cache-control"]
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert plain.content == small.content == content(target, "app.css")
    assert int(small.headers["content-length"]) < len(plain.content) / 3


@pytest.mark.parametrize("name", ["manifest.json", "app.css", "..%2Fpage.py", "%2e%2e/pack.py"])
async def test_nothing_but_what_was_packed_is_served(target: Path, name: str) -> None:
    app = FastAPI()
    app.add_exception_handler(NotFound, lambda _request, _error: Response(status_code=404))
    app.include_router(serving.serve(target))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get(f"/static/{name}")).status_code == 404
