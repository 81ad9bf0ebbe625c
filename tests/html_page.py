"""A page as its readers meet it: elements, attributes, texts; and texts that are hard on pages."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img"}

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!-- <script>",
    '" onmouseover="alert(3)" x=\'',
    "<img src=x onerror=alert(4)>",
    "{{ 7 * 7 }} {% raw %}",
    "مرحبا بالعالم \u202e reversed",
    "line\u2028separator\u2029paragraph",
    "]]>&amp;&#x3c;b&gt;",
    "\ud800 half a pair",
    "",
)


class Page(HTMLParser):
    """Elements with their attributes and texts; fails where tags are not balanced or an attribute stands twice."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[int] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {[self.elements[index][0] for index in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        opened = self.elements[self._open.pop()][0]
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.elements[index][2].append(data)

    def all(self, tag: str, **wanted: str) -> Iterator[tuple[dict[str, str], str]]:
        for name, attributes, texts in self.elements:
            if name == tag and all(attributes.get(key.rstrip("_")) == value for key, value in wanted.items()):
                yield attributes, "".join(texts)

    def one(self, tag: str, **wanted: str) -> tuple[dict[str, str], str]:
        (found,) = self.all(tag, **wanted)
        return found

    def words(self) -> str:
        """What a reader can read: the text outside of scripts and styles."""
        (body,) = [texts for name, _, texts in self.elements if name == "body"]
        hidden = Counter(text for name, _, texts in self.elements if name in ("script", "style") for text in texts)
        return re.sub(r"\s+", " ", "".join(text for text in body if not hidden[text]))


def utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
