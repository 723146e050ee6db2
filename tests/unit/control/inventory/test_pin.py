"""A host key goes into the file, and every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.inventory.pin import pin, pinned
from edgectl.wire.errors import InvalidInput

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
OLD = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
HEAD = "version: 1 # ours\nstores:\n  other: {nodes: {node-1: {address: 10.0.0.9}}}\n  store-1:\n    nodes:\n"
TAIL = "\n# the end, äöü\n"

# what stands below `nodes:`, and the same with the key as {KEY}
PLACES = {
    "block": (
        "      node-1: #1\n        # ä\n        address: 10.0.0.1 #.2\n        role: server\n",
        "      node-1: #1\n        # ä\n        address: 10.0.0.1 #.2\n        host_key: {KEY}\n        role: server\n",
    ),
    "quoted": (
        "      'node-1':\n        \"address\": '10.0.0.1' # x\n",
        "      'node-1':\n        \"address\": '10.0.0.1' # x\n        host_key: {KEY}\n",
    ),
    "flow": (
        "      node-1: {address: 10.0.0.1 , role: server} # x\n",
        "      node-1: {address: 10.0.0.1, host_key: {KEY} , role: server} # x\n",
    ),
    "flow over lines": (
        "      node-1: {\n        role: server, # x\n        address: 10.0.0.1,\n      }\n",
        "      node-1: {\n        role: server, # x\n        address: 10.0.0.1, host_key: {KEY},\n      }\n",
    ),
    "no address": (
        "      node-1:\n        ssh: {host: x.example} # x\n",
        "      node-1:\n        host_key: {KEY}\n        ssh: {host: x.example} # x\n",
    ),
    "flow without address": (
        "      node-1: {ssh: {host: x.example}}\n",
        "      node-1: {host_key: {KEY}, ssh: {host: x.example}}\n",
    ),
    "address over lines": (
        "      node-1:\n        address: >-\n          10.0.0.1\n        role: server\n",
        "      node-1:\n        host_key: {KEY}\n        address: >-\n          10.0.0.1\n        role: server\n",
    ),
    "empty": (
        "      node-1:\n        host_key: # to come\n        address: 10.0.0.1\n",
        "      node-1:\n        host_key: {KEY} # to come\n        address: 10.0.0.1\n",
    ),
    "null": (
        "      node-1: {host_key: null, address: 10.0.0.1}\n",
        "      node-1: {host_key: {KEY}, address: 10.0.0.1}\n",
    ),
    "another one": (
        f"      node-1:\n        host_key: '{OLD}' # of May\n        address: 10.0.0.1\n",
        "      node-1:\n        host_key: {KEY} # of May\n        address: 10.0.0.1\n",
    ),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("place", PLACES)
def test_only_the_key_is_new(place: str, ends: str) -> None:
    """Comments, order, quotes, line ends, byte order mark: byte for byte as they were."""
    before, after = (f"{HEAD}{text.replace('{KEY}', KEY)}{TAIL}".replace("\n", ends) for text in PLACES[place])
    keys = {("store-1", "node-1"): KEY}
    assert pinned(before.encode(), keys, "f").decode() == after
    assert pinned(before.encode("utf-8-sig"), keys, "f") == after.encode("utf-8-sig")
    assert pinned(after.encode(), keys, "f").decode() == after


def test_a_file_that_ends_without_a_line_end() -> None:
    before = f"{HEAD}      node-1:\n        address: 10.0.0.1"
    assert pinned(before.encode(), {("store-1", "node-1"): KEY}, "f").decode() == f"{before}\n        host_key: {KEY}"


def test_several_keys_at_once() -> None:
    """Each goes to its own node."""
    text = f"{HEAD}      node-1: {{address: 10.0.0.1}}\n      node-2:\n        address: 10.0.0.2\n"
    keys = {("store-1", "node-1"): KEY, ("store-1", "node-2"): OLD, ("other", "node-1"): KEY}
    assert pinned(text.encode(), keys, "f").decode() == (
        text.replace("10.0.0.1}", f"10.0.0.1, host_key: {KEY}}}")
        .replace("10.0.0.2\n", f"10.0.0.2\n        host_key: {OLD}\n")
        .replace("10.0.0.9}", f"10.0.0.9, host_key: {KEY}}}")
    )


@pytest.mark.parametrize(
    "text",
    [
        "stores:\n  other: &o\n    nodes:\n      node-1: {address: 10.0.0.1}\n  store-1: *o\n",
        "stores:\n  store-1: &o\n    nodes:\n      node-1: {address: 10.0.0.1}\n  other: *o\n",
        "stores:\n  store-1:\n    nodes:\n      node-1: {}\n",
        "stores:\n  store-1:\n    nodes:\n      node-1:\n",
        "stores:\n  store-1:\n    nodes:\n      node-1: {address: 10.0.0.1, host_key: &k x}\n",
        "stores:\n  store-1:\n    nodes:\n      node-1:\n        host_key: |\n          x\n",
    ],
)
def test_what_has_no_safe_place_is_refused(text: str, tmp_path: Path) -> None:
    """An alias stands for two nodes; the line to add by hand is said, and the file is as it was.

    Seeded fault: compare the texts' values without splitting what aliases share, and the second case is written.
    """
    file = tmp_path / "inventory.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match="host keys were not written") as raised:
        pin(file, file.read_bytes(), {("store-1", "node-1"): KEY})
    assert raised.value.details == (f"store-1: node-1: host_key: {KEY}",)
    assert file.read_text() == text


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """A person compares for minutes; an editor may have saved in between."""
    file = tmp_path / "inventory.yaml"
    file.write_text(f"{HEAD}      node-1: {{address: 10.0.0.1}}\n")
    with pytest.raises(InvalidInput, match="was changed meanwhile"):
        pin(file, b"version: 1\n", {("store-1", "node-1"): KEY})
    assert KEY not in file.read_text()


def test_a_link_stays_one_and_the_mode_is_kept(tmp_path: Path) -> None:
    file, link = tmp_path / "inventory.yaml", tmp_path / "link.yaml"
    file.write_text(f"{HEAD}      node-1: {{address: 10.0.0.1}}\n")
    file.chmod(0o640)
    link.symlink_to(file.name)
    pin(link, file.read_bytes(), {("store-1", "node-1"): KEY})
    assert link.is_symlink()
    assert KEY in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640
