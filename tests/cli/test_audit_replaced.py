"""A machine that took another's place begins a new audit: that is no tampering, and it excuses nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.audit import own
from edgectl.control.audit.check import BROKEN, REMARK, Finding
from edgectl.control.audit.compare import sides
from edgectl.control.audit.copy import Copy
from edgectl.control.audit.former import replaced
from edgectl.control.collect.collect import folder
from edgectl.wire.audit import Chain, Clock, parts

STORE, NODE = "store-042", "node-1"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


class Machine:
    """One disk's audit; deploys to it and collects from it, as an operator does both."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk

    def deploy(self, sequence: int) -> None:
        """Take a deploy; the operator's audit has how far this one is."""
        head = Chain(self.disk, Clock(lambda: "b", lambda: 5.0)).add(
            "deploy", phase="accepted", store=STORE, node=NODE, sequence=sequence, run=f"run-{sequence}"
        )
        with own.audited(STORE, "deploy") as learnt:
            learnt |= {"run": f"run-{sequence}", "sequence": sequence, "seen": {NODE: str(head)}}

    def collect(self, *, anew: bool = False) -> None:
        """Bring its audit here."""
        copy = Copy(folder() / STORE / NODE)
        if anew:
            copy.set_aside()
        have = folder() / STORE / NODE / "audit.jsonl"
        lines = b"".join(path.read_bytes() for path in parts(self.disk))
        copy.add(lines[have.stat().st_size if have.exists() else 0 :])
        copy.asked()


def said(weight: str) -> list[Finding]:
    """Return what verify finds of one weight."""
    return [one for side in sides(STORE, own.root(), folder()) for one in side.checked.findings if one.weight == weight]


def lived(tmp_path: Path, *, collected: bool = True) -> Machine:
    """Return a machine that has taken two deploys, and died."""
    old = Machine(tmp_path / "old")
    old.deploy(1)
    if collected:
        old.collect()
    old.deploy(2)
    return old


@pytest.mark.parametrize("collected", [True, False])
def test_a_replaced_machine_is_a_remark(tmp_path: Path, *, collected: bool) -> None:
    """Law: verify is whole after replace, deploy and collect, and says what happened; without the line it is broken.

    Seeded: no line; heads that were set aside count for ever.
    """
    lived(tmp_path, collected=collected)
    replaced(STORE, NODE)
    new = Machine(tmp_path / "new")
    new.deploy(3)
    new.collect(anew=True)
    assert said(BROKEN) == []
    assert [one.sentence for one in said(REMARK) if "was replaced on" in one.sentence]


def test_without_the_line_it_is_broken(tmp_path: Path) -> None:
    """Law: an audit that begins anew by itself is for a person to look into."""
    lived(tmp_path)
    new = Machine(tmp_path / "new")
    new.deploy(3)
    new.collect(anew=True)
    assert said(BROKEN)


@pytest.mark.parametrize("how", ["written anew", "end cut off", "another node", "anew before"])
def test_the_line_excuses_nothing_else(tmp_path: Path, how: str) -> None:
    """Law: what is told after it counts, of this node alone, and what was anew before the machine died stays broken."""
    old = lived(tmp_path)
    if how == "anew before":
        old = Machine(tmp_path / "forged")
        old.deploy(3)
        old.collect(anew=True)
    replaced(STORE, "node-2" if how == "another node" else NODE)
    new = Machine(tmp_path / "new")
    new.deploy(4)
    if how == "end cut off":
        kept = {path: path.read_bytes() for path in parts(new.disk)}
        new.deploy(5)
        for path, data in kept.items():
            path.write_bytes(data)
    if how == "written anew":
        new = Machine(tmp_path / "newer")
        new.deploy(5)
    new.collect(anew=True)
    assert said(BROKEN)
