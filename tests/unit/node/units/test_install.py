"""The fixed units are installed once; afterwards nothing is written and nothing reloaded."""

from __future__ import annotations

import pytest

from edgectl.node.io.programs import Ran
from edgectl.node.units.install import CONVERGE, install, links
from edgectl.wire.errors import StepFailed
from tests.unit.node.fake import FakeNode, ran


def systemd(node: FakeNode, *, fails: bool = False) -> None:
    """Let `systemctl enable` make its links."""

    def change(*argv: str) -> Ran:
        if argv[1] == "enable" and not fails:
            for link in links(node.places.root):
                link.parent.mkdir(parents=True, exist_ok=True)
                if link.name in argv and not link.is_symlink():
                    link.symlink_to(f"../{link.name}")
        return ran(code=1, err="Access denied", argv=argv) if fails else ran(argv=argv)

    node.on_change = change


def test_once_and_never_again(node: FakeNode) -> None:
    """A bare node gets units, timers and the command; the second time nothing is run."""
    systemd(node)
    assert install(node)
    assert [argv[1] for argv in node.changes] == ["daemon-reload", "enable", "enable"]
    assert node.mode(node.places.root / "usr/local/sbin/edgectl-node") == 0o755
    assert (node.places.root / "etc/systemd/system" / CONVERGE).is_file()
    assert not install(node)
    assert len(node.changes) == 3


@pytest.mark.parametrize("harm", ["text", "mode", "link"])
def test_what_is_missing_is_put_back(node: FakeNode, harm: str) -> None:
    """Edited, made unexecutable, or disabled by hand."""
    systemd(node)
    install(node)
    if harm == "text":
        (node.places.root / "etc/systemd/system" / CONVERGE).write_text("[Service]\n")
    elif harm == "mode":
        (node.places.root / "usr/local/sbin/edgectl-node").chmod(0o644)
    else:
        links(node.places.root)[0].unlink()
    assert install(node)
    assert not install(node)


def test_a_systemd_that_refuses_is_said(node: FakeNode) -> None:
    """Exit 6 with its words, and the next attempt tries again: nothing was believed."""
    systemd(node, fails=True)
    with pytest.raises(StepFailed, match="Access denied"):
        install(node)
    systemd(node)
    assert install(node)
