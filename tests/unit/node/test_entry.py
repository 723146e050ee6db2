"""A k3s of somebody else's may be taken over only where what it has stored can be read by the declared one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.node.converge.slots import Slots
from edgectl.node.entry import meet_older
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Refused
from tests.unit.node.fake import FakeNode, ran

VERSION = "v1.36.3+k3s1"
OFFER = Envelope(
    "store-042", "node-1", digest_of(b""), digest_of(b""), "", 1, "now", Sender("ada", "laptop"), take_over=True
)


def put(node: FakeNode, path: str, text: str = "") -> Path:
    """Write a file of the node."""
    file = node.places.root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def says(node: FakeNode, **versions: str) -> None:
    """Let programs say their versions, by the folder in which they lie; nothing else is ever run."""

    def run(*argv: str) -> object:
        assert Path(argv[0]).name == "k3s"
        return ran(f"k3s version {versions[Path(argv[0]).parents[1].name]} (abc)\ngo version go1.25\n")

    node.on_run = run  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/usr/bin/k3s", ""),
        ("/usr/local/bin/k3s", ""),
        ("/srv/bin/k3s", "etc/systemd/system/k3s.service"),
        ("/srv/bin/k3s", "usr/lib/systemd/system/k3s-agent.service"),
        ("/srv/bin/k3s", "etc/systemd/system/k3s.service.d/10-theirs.conf"),
    ],
)
def test_a_newer_one_is_refused_wherever_it_lies(node: FakeNode, path: str, unit: str) -> None:
    """Law: by the unit that starts it, or where installers put it; one that was left lying somewhere does not count."""
    put(node, path)
    if unit:
        put(node, unit, f'[Service]\nExecStart=\nExecStart=-"{path}" server\n')
        put(node, "/usr/local/bin/k3s")
        put(node, "/etc/systemd/system/k3s.service.d/20-more.conf", "[Service]\nNice=1\n")
    says(node, usr="v1.37.0+k3s1", local="v1.36.0+k3s1" if unit else "v1.37.0+k3s1", srv="v1.37.0+k3s1")
    with pytest.raises(Refused, match=r"the k3s on this node is v1\.37; a minor version cannot go back to v1\.36\.3"):
        meet_older(node, Slots(node.places), OFFER, VERSION)
    meet_older(node, Slots(node.places), OFFER, "v1.37.1+k3s1")
    meet_older(node, Slots(node.places), replace(OFFER, take_over=False), VERSION)


@pytest.mark.parametrize("path", ["", "/usr/bin/k3s"])
def test_a_cluster_of_an_unknown_version_is_refused(node: FakeNode, path: str) -> None:
    """Law: no k3s, or one that does not say its version: what it has stored may be newer. Named, with what to do."""
    if path:
        put(node, path)
    node.on_run = lambda *_: ran("", code=139, err="Segmentation fault")
    meet_older(node, Slots(node.places), OFFER, VERSION)  # nothing stored: nothing to lose
    put(node, "/var/lib/rancher/k3s/server/db/state.db")
    with pytest.raises(Refused, match=r"a k3s has stored a cluster in .*server/db, and of which version") as told:
        meet_older(node, Slots(node.places), OFFER, VERSION)
    assert (path or "/usr/local/bin/k3s") in told.value.hint
    assert "k3s-uninstall.sh" in told.value.hint
    put(node, str(node.places.restored.relative_to(node.places.root)), "{}")
    meet_older(node, Slots(node.places), OFFER, VERSION)  # put back by us, before its first deploy


def test_a_wrapper_is_never_run(node: FakeNode) -> None:
    """Law: what a unit starts and is not called k3s could start it a second time; the program itself is asked."""
    put(node, "/opt/start-k3s.sh")
    put(node, "/etc/systemd/system/k3s.service", "[Service]\nExecStart=/opt/start-k3s.sh\n")
    put(node, "/usr/bin/k3s")
    says(node, usr="v1.36.1+k3s1")
    put(node, "/var/lib/rancher/k3s/server/db/state.db")
    meet_older(node, Slots(node.places), OFFER, VERSION)
