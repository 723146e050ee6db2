"""The page: whatever a node says, it stands there as text; nothing is loaded, nothing runs, no value is a secret's."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgectl.report.page.page import page
from edgectl.report.page.section import section
from tests import told

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=https://evil.example/x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "javascript:alert(1)",
    "]]><svg/onload=alert(1)>",
    "\u202egnp.exe\x00\x1b[31m",
)
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "article", "header", "section", "nav", "div", "span"),
    *("p", "h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "strong", "pre", "details", "summary", "a"),
    *("svg", "path", "rect", "br"),
}


class Seen(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "action", "data"}]

    def handle_data(self, data: str) -> None:
        """Note it."""
        self.text += data


def seen(text: str) -> Seen:
    """Read a page."""
    found = Seen()
    found.feed(text)
    return found


def poisoned(value: Any, poison: str) -> Any:
    """Put a text into every place where a node may say one, names included."""
    if isinstance(value, dict):
        return {key: poisoned(item, poison) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(item, poison) for item in value]
    return f"{value}{poison}" if isinstance(value, str) else value


@pytest.mark.parametrize("poison", HOSTILE)
def test_what_a_node_says_is_only_text(poison: str) -> None:
    """Law: no tag, no attribute, no address comes from a node. Seeded: autoescape off, `| safe` on a reason."""
    document = poisoned(told.deploy(fails=True), poison)
    document["verdict"]["gaps"] = {poison: 3.0}
    document["others"] = {poison: {"word": poison, "reason": poison}}
    document["error"] = {"message": poison, "details": [poison], "hint": poison}
    document["chain"]["links"].append({"name": poison, "word": poison, "reason": poison, "doubt": poison})
    found = seen(page([(poison, document), (poison, {**document, "error": None})]))
    assert found.tags <= TAGS
    assert not [name for name in found.names if name.startswith("on")]
    assert all(re.fullmatch(r"#s\d+", link) for link in found.links)
    assert "49" not in found.text or "7*7" in found.text
    assert not set("\u202e\x00\x1b") & set(found.text)


def test_nothing_is_loaded_and_nothing_runs() -> None:
    """Law: one file. The browser is told so, too."""
    text = page([("store-042", told.deploy())])
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert "<script" not in text
    assert not re.search(r"url\(|@import|https?://", text)


def test_it_says_what_a_person_asks_for() -> None:
    """The verdict in words, each step with its time, the broken link, bytes, pauses, history, digests."""
    found = seen(page([("store-042", told.deploy(fails=True))])).text
    for said in (
        "store-042 is READY on the old version (sequence 1). Sequence 2 was rejected.",
        "edgectl deploy store-042",
        "the model does not load",
        "Protobuf parsing failed.",
        "broken here",
        "connect node-1",
        "6 archives",
        "/etc/rancher/k3s/config.yaml",
        "212.0 MB",
        "428.0 MB (67 %)",
        "161.3 MB",
        "8.0 s",
        "rejected 2026-11-27 18:02 UTC because inference: the model does not load",
        told.DIGEST,
    ):
        assert said in found, said


def test_bars_are_drawn_from_the_journals_own_times() -> None:
    """A step begins where the one before it ended; its waits are in it; all of it lies within the scale."""
    timeline = section("store-042", told.deploy())["timeline"]
    row = next(row for row in timeline.rows if row.title == "k3s")
    assert row.took == "6.2 s"  # 3.2 to 9.4
    assert row.said == "k3s: changed, 6.2 s from 6.2 s on, of which it waited 5.3 s"
    assert [bar.kind for bar in row.bars] == ["changed", "changing", "waiting", "waiting"]
    for one in timeline.rows:
        assert all(0 <= bar.x <= bar.x + bar.width <= 1000.1 for bar in one.bars)
    assert timeline.whole == "34.0 s"


def test_only_the_broken_link_is_marked() -> None:
    """The first upstream, and none that was only not asked."""
    chain = section("store-042", told.deploy(fails=True))["chain"]
    boxes = [box for _, lane in chain.lanes for box in lane]
    assert {box.name for box in boxes if box.is_first} == {"inference"}
    assert {box.name for box in boxes if box.arrow == "broken"} == {"inference"}
    assert {box.kind for box in boxes if box.name in {"bus", "sink"}} == {"blocked"}


def test_several_stores_are_one_page() -> None:
    """A section each, and one line that counts them."""
    text = page([("store-1", told.deploy()), ("store-2", {"error": {"message": "store-2 did not answer"}})])
    found = seen(text)
    assert found.links == ["#s1", "#s2"]
    assert "2 stores: 1 ready, 1 unknown" in found.text
    assert "store-2 did not answer" in found.text
    assert text.count("<article") == 2


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["word", "at", "kind", "step", "name", "links", "seconds", "differences"]), inner
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*told.deploy(), "error", "steps", "current", "others", "reboots"]), JSON))
def test_no_document_is_too_odd(document: dict[str, Any]) -> None:
    """Law: a page is made of whatever was said; NaN, a list for a text, a text for a number."""
    assert "<article" in page([("store-042", document)])
