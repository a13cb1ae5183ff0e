"""Every link of the built book leads to something that is there, and nothing comes from another host."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from tests.browser.driving import BOOK, pages


class Links(HTMLParser):
    """What a page links to and loads, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attributes if value}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        for name in ("href", "src"):
            if name in given:
                self.targets.append(given[name])
                if tag != "a":
                    self.loaded.append(given[name])


def test_every_internal_link_and_anchor_resolves_and_nothing_is_loaded_from_elsewhere() -> None:
    read = {path: Links(path.read_text(encoding="utf-8")) for path in (BOOK / name for name in pages())}
    broken, foreign, checked = [], [], 0
    for path, links in read.items():
        foreign += [(path.name, target) for target in links.loaded if urlsplit(target).netloc]
        for target in links.targets:
            parts = urlsplit(urljoin(path.as_uri(), target))
            if parts.scheme != "file":
                continue
            checked += 1
            file = Path(unquote(parts.path))
            nowhere = file in read and parts.fragment and unquote(parts.fragment) not in read[file].anchors
            if nowhere or not file.exists():
                broken.append((path.name, target))
    assert foreign == []
    assert broken == []
    assert checked > 1000
