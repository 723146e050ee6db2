"""What can be wrong before a node is changed: its exit code, one sentence, what to do next; the store goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.node import Steady
from tests.e2e.operator import Change
from tests.e2e.test_second_deploy import changed_edgectl

pytestmark = pytest.mark.e2e
_OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0fCk2DTqOzNCk1pJW7kG0C0pXsN8Qe0Z6kY1lqvHSc"


@pytest.fixture(autouse=True)
def _goes_on(settled: Shop) -> Iterator[None]:
    """Whatever is refused: what served before serves on, untouched."""
    before = _seen(settled)
    yield
    assert _seen(settled) == before
    assert settled.node.answers() == ""


def _seen(shop: Shop) -> Steady:
    return shop.node.steady()


def _node(change: Callable[[dict[str, Any]], None]) -> Change:
    def changed(doc: dict[str, Any]) -> None:
        (store,) = doc["stores"].values()
        change(store["nodes"]["node-1"])

    return changed


def test_another_host_key_is_refused(shop: Shop) -> None:
    """Exit 4, with both fingerprints: the one that is pinned and the one that was shown."""
    other = shop.operator.with_(change=_node(lambda node: node.update(host_key=_OTHER_KEY)))
    said = other.run("deploy", code=4)
    said.has("shows another host key than the pinned one")
    assert said.err.count("SHA256:") == 2
    said.has("do not go on")


def test_a_login_that_is_refused_names_the_key(shop: Shop, tmp_path: Path) -> None:
    """Exit 4, with the keys that were tried."""
    shop.node.sh("ssh-keygen -q -t ed25519 -N '' -f /root/other </dev/null 2>/dev/null || true")
    key = tmp_path / "other"
    key.write_text(shop.node.run("cat", "/root/other").out)
    key.chmod(0o600)

    def change(doc: dict[str, Any]) -> None:
        doc["defaults"]["ssh"]["keys"] = [str(key)]

    said = shop.operator.with_(change=change).run("deploy", code=4)
    said.has("lets root in with none of 1 keys")
    said.has(f"tried {key}")
    said.has("authorized_keys")


def test_a_node_that_cannot_be_reached_is_named(shop: Shop) -> None:
    """Exit 4; the port and the node are in the sentence."""

    def change(node: dict[str, Any]) -> None:
        node["ssh"]["port"] = 1

    said = shop.operator.with_(change=_node(change)).run("deploy", code=4)
    said.has("node-1 (root@127.0.0.1:1) refused the connection")
    said.has("next: is sshd running there")


def test_a_user_who_may_not_become_root_is_named(shop: Shop) -> None:
    """Exit 4: let in, but no sudo."""
    shop.node.sh(
        "id tech >/dev/null 2>&1 || useradd --create-home --shell /bin/sh tech; install -d -m 700 -o tech ~tech/.ssh; "
        "install -m 600 -o tech /root/.ssh/authorized_keys ~tech/.ssh/authorized_keys"
    )

    def change(doc: dict[str, Any]) -> None:
        doc["defaults"]["ssh"]["user"] = "tech"

    said = shop.operator.with_(change=change).run("deploy", code=4)
    said.has("node-1")
    said.has("sudo")
    said.has("tech")
    said.has("next: ")


def test_a_python_that_is_too_old_is_named(shop: Shop, tmp_path: Path) -> None:
    """Exit 5, with the version that was found and the one that is needed, before anything is sent."""
    newer = shop.operator.with_(package=changed_edgectl(tmp_path, "for an old Python"))
    shop.node.sh("printf '#!/bin/sh\\necho 3.8.10\\n' > /usr/local/bin/python3; chmod +x /usr/local/bin/python3")
    try:
        said = newer.run("deploy", code=5)
    finally:
        shop.node.sh("rm /usr/local/bin/python3")
    said.has("node-1 has Python 3.8.10; edgectl needs Python 3.10 or newer")
    said.has("apt-get install python3")


def test_a_disk_that_is_full_is_said_first(settled: Shop) -> None:
    """Exit 5 for anything new: how much is free and how much is needed. What runs goes on, degraded, and says so."""

    def titled(doc: dict[str, Any]) -> None:
        doc["stores"][settled.operator.store]["title"] = "With another title"

    settled.node.sh(
        "fallocate -l $(($(df --output=avail -B1 /var/lib | tail -1) - 1500000000)) /var/lib/filler", seconds=120
    )
    try:
        settled.operator.run("deploy", code=9).has("of disk free", "Nothing to change")
        said = settled.operator.with_(change=titled).run("deploy", code=5)
        said.has("MiB free, 4096 MiB are needed")
        assert settled.node.answers() == ""
    finally:
        settled.node.sh("rm /var/lib/filler")
    assert settled.operator.deploy()["verdict"]["word"] == "ready"
