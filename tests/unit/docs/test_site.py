"""The site is built without a warning, asks nothing of other hosts, and every page can be reached and found."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts.site.contents import listed, with_contents
from scripts.site.moves import with_moves_as_tables
from scripts.site.outside import with_outside_links_as_paths

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make site` does; broken links and anchors are warnings, and each warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", str(DOCS), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=270, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class Loaded(HTMLParser):
    """Collects what a browser fetches by itself when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in {"script", "img", "iframe", "source", "audio", "video", "embed", "object", "use", "image"}:
            self.addresses += [found.get(name) or "" for name in ("src", "srcset", "data", "xlink:href")]
        elif tag == "link":
            self.addresses.append(found.get("href") or "")


def test_no_page_asks_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text())
        assert [one for one in loaded.addresses if urlsplit(one).netloc] == [], page.name
    for style in site.rglob("*.css"):
        outside = re.findall(r"(?:url\(\s*['\"]?|@import\s+['\"])\s*((?:https?:)?//[^'\")]+)", style.read_text())
        assert outside == [], style.name


def test_every_page_is_built_and_found_by_search(site: Path) -> None:
    index = (site / "searchindex.js").read_text()
    for page in DOCS.rglob("*.md"):
        if "_build" not in page.parts:
            name = page.relative_to(DOCS).with_suffix("")
            assert (site / f"{name}.html").exists()
            assert f'"{name}"' in index, name


def test_links_out_of_docs_are_shown_as_paths(site: Path) -> None:
    for page in site.rglob("*.html"):
        for target in re.findall(r'href="([^"#]+)', page.read_text()):
            address = urlsplit(target)
            if not address.scheme:
                assert (page.parent / address.path).exists(), f"{page.name}: {target}"


def test_an_index_lists_its_pages_and_takes_new_ones(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    for name, text in {"index": "- [Other](other.md): words\n- [B](b.md)", "a": "", "b": "", "other": ""}.items():
        (tmp_path / "part" / f"{name}.md").write_text(text)
    text = (tmp_path / "part/index.md").read_text()
    assert listed(text) == ["other", "b"]
    assert with_contents(text, "part/index", tmp_path).splitlines()[-4:] == ["other", "b", "a", "```"]
    assert with_contents("# A", "part/a", tmp_path) == "# A"


def test_moves_become_a_table_and_odd_ones_are_refused() -> None:
    diagram = "```mermaid\nstateDiagram-v2\n    [*] --> open\n    open --> shut: by a person\n```\n"
    assert with_moves_as_tables(diagram).splitlines()[2:] == [
        "| its beginning | open | |",
        "| open | shut | by a person |",
    ]
    with pytest.raises(ValueError, match="not understood"):
        with_moves_as_tables(diagram.replace("-->", "==>"))


def test_links_of_the_repository_keep_their_words(tmp_path: Path) -> None:
    text = "[the guards](../scripts/guards.py) and [this](other.md) and ![pic](../x.png)"
    shown = with_outside_links_as_paths(text, "page", tmp_path / "docs")
    assert shown == "the guards (`scripts/guards.py` in the repository) and [this](other.md) and ![pic](../x.png)"
