"""A page as a person without scripts has it: its texts, its links, and its forms with what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class FormOnPage:
    """A form: where it is sent, and the fields that it would send."""

    action: str
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, without: tuple[str, ...] = (), **changes: str | list[str]) -> list[tuple[str, str]]:
        """Return the fields with changes; `_` in a name stands for `-`, `__` for `_`."""
        named = {name.replace("__", "\0").replace("_", "-").replace("\0", "_"): text for name, text in changes.items()}
        found = [pair for pair in self.pairs if pair[0] not in {*named, *without}]
        for name, text in named.items():
            found += [(name, one) for one in ([text] if isinstance(text, str) else text)]
        return found

    def value(self, name: str) -> str:
        """Return the last value of a field."""
        return [text for key, text in self.pairs if key == name][-1]


class HtmlPage(HTMLParser):
    """A parsed page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.forms: dict[str, FormOnPage] = {}
        self.buttons: list[str] = []
        self.current_step = ""
        self._open: list[tuple[str, str]] = []
        self._form: FormOnPage | None = None
        self._area: tuple[str, str, FormOnPage | None] | None = None
        self._select = ""
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a form would send, and links."""
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self._form = FormOnPage(given.get("action", ""))
                self.forms[given.get("id") or self._form.action] = self._form
            case "input":
                self._input(given)
            case "textarea":
                self._area = (given.get("name", ""), "", self._form)
            case "select":
                self._select = given.get("name", "")
            case "option" if self._form and "selected" in given:
                self._form.pairs.append((self._select, given.get("value", "")))
            case "a" if "href" in given:
                self.links.append(given["href"])
        self._open.append((tag, given.get("aria-current", "")))

    def _input(self, given: dict[str, str]) -> None:
        target = self.forms.get(given["form"]) if "form" in given else self._form
        ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
        if target is not None and given.get("name") and ticked:
            target.pairs.append((given["name"], given.get("value", "on")))

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a form or a text area."""
        if tag == "form":
            self._form = None
        if tag == "textarea" and self._area:
            name, text, form = self._area
            if form:
                form.pairs.append((name, text.removeprefix("\n")))
            self._area = None
        while self._open:
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        """Note texts by their elements."""
        if self._area:
            name, text, form = self._area
            self._area = (name, text + data, form)
            return
        words = " ".join(data.split())
        if not words:
            return
        self.text += f"{words} "
        for tag, current in self._open:
            self.texts.setdefault(tag, []).append(words)
            if current == "step":
                self.current_step += words
        if any(tag == "button" for tag, _ in self._open):
            self.buttons.append(words)

    @property
    def heading(self) -> str:
        """Return the heading of the page."""
        return " ".join(self.texts.get("h1", []))
