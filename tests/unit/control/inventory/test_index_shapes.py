"""However an inventory is written: what the index finds is what the whole file has, or no index is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet import fleet
from tests.unit.control.inventories import same

FLEET = fleet(60)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def _moved(text: str) -> str:
    head, _, stores = text.partition("stores:\n")
    groups = head.index("\ngroups:\n") + 1
    return head[:groups] + "stores:\n" + stores + head[groups:]


def _flow(text: str) -> str:
    more = "".join(f"  flow-{n}: {{title: x, groups: [north], nodes: {{\n    n: 1}} }} # {n}\n" for n in range(3))
    return text.replace("  store-031:", more + "  store-031:")


def _all_flow() -> str:
    return (
        FLEET.partition("stores:\n")[0] + "stores: {" + ", ".join(f"\n  store-{n:03}: {{}}" for n in range(60)) + "}\n"
    )


def _deeper(text: str) -> str:
    head, _, stores = text.partition("stores:\n")
    return head + "stores:\n" + "".join(f"    {line}\n" if line else "\n" for line in stores.splitlines())


def _anchored(text: str) -> str:
    return text.replace("    title: ", "    title: &t ", 1) + "  store-900: {title: *t}\n"


SHAPES: dict[str, tuple[Callable[[str], str], bool]] = {  # (what is done to the text, whether an index is made)
    "crlf": (lambda text: text.replace("\n", "\r\n"), True),
    "byte order mark": (lambda text: "\ufeff" + text, True),
    "comments between stores": (lambda text: text.replace("\n\n  store-", "\n\n# new:\n    # deeper\n  store-"), True),
    "comment above the first": (lambda text: text.replace("stores:\n", "stores: # all\n  # first\n\n"), True),
    "stores in the middle": (_moved, True),
    "no newline at the end": (lambda text: text.rstrip("\n"), True),
    "end marker": (lambda text: text + "...\n", True),
    "document start": (lambda text: text.replace("version: 1\n", "---\nversion: 1\n", 1), True),
    "quoted names": (
        lambda text: text.replace("  store-031:", '  "store-031":').replace("  store-032:", "  'store-032':"),
        True,
    ),
    "escaped name": (lambda text: text.replace("  store-031:", '  "store\\x2d031":'), True),
    "flow stores": (_flow, True),
    "one flow map": (lambda _: _all_flow(), False),
    "deeper": (_deeper, True),
    "text like a store": (
        lambda text: text.replace("    title: ", "    title: |-\n        x\n          store-002:\n       #", 5),
        True,
    ),
    "folded like a store": (
        lambda text: text.replace("    title: ", "    title: >\n      store-003:\n        title: ", 3),
        True,
    ),
    "quoted over lines": (
        lambda text: text.replace("    title: ", '    title: "x\n  store-004:\n    y"\n    # '),
        True,
    ),
    "plain over lines": (lambda text: text.replace("    title: ", "    title:\n      one\n      two\n    # "), True),
    "anchor in a store": (_anchored, False),
    "anchor of a key": (lambda text: text.replace("    title:", "    &t title:", 1), False),
    "anchor above": (lambda text: text.replace("defaults:", "defaults: &all", 1), False),
    "next line separator": (lambda text: text.replace("title: ", 'title: "\u2028" # ', 1), False),
    "store without content": (lambda text: text + "  store-900:\n  store-901: {}\n  store-902: ~\n", True),
    "explicit keys": (lambda text: text.replace("  store-031:\n", "  ? store-031\n  :\n"), True),
    "a wrong store": (lambda text: text.replace("    title:", "    titel:", 1), True),
    "a trap in a store": (lambda text: text.replace("    title: ", "    title: on # ", 1), True),
    "duplicate store": (lambda text: text.replace("  store-031:", "  store-030:"), False),
    "unknown section": (lambda text: text + "zzz: 1\n", True),
    "tabs and blanks behind": (lambda text: text.replace("  store-031:\n", "  store-031: \t \n"), True),
    "blank lines with blanks": (lambda text: text.replace("\n\n", "\n     \n  \n"), True),
    "list of groups in lines": (
        lambda text: text.replace("    groups: [north, super]", "    groups:\n    - north\n    - super"),
        True,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_however_a_file_is_written(shape: str, folder: Path) -> None:
    """Law: whatever a text looks like, the index finds what the whole file has, or none is made.

    Seeded faults: stores found by a pattern; ends taken from the next name; an index of a file with anchors.
    """
    change, kept = SHAPES[shape]
    path = folder / "inventory.yaml"
    path.write_text(change(FLEET), newline="")
    same(path, ["store-001", "store-030", "store-031", "store-032", "store-060", "store-900", "flow-1"], kept=kept)
