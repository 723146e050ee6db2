"""The way back of a work of apt, and the hours of a driver that serves: dpkg's answers are lines of a fake."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.converge.slots import Slots
from edgectl.node.host.packages.back import Begun, go_back
from edgectl.node.host.packages.claims import Claim, Claims
from edgectl.node.host.packages.installed import look
from edgectl.node.host.packages.judged import Asked, judge
from edgectl.node.host.packages.step import GpuPackages
from edgectl.node.io.programs import Ran
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.host import Deb, Package, Packages, Reboots
from tests.unit.node.fake import FakeNode, ran

NIGHT = Reboots(("mon-sun 22:00-05:00 Europe/Berlin",))
NOON, LATE = datetime(2026, 6, 1, 12, tzinfo=UTC), datetime(2026, 6, 1, 21, tzinfo=UTC)
WISH = Asked(("packages",), (Package("chrony", "2"), Package("jq", "1")), ())


def has(node: FakeNode, **packages: str) -> dict[str, str]:
    """Let dpkg have these, by version; what apt takes away (NAME-) goes. Returns what is there, alive."""
    there = {name.replace("_", "-"): version for name, version in packages.items()}
    there["dpkg"] = "1"

    def run(*argv: str) -> Ran:
        assert argv[0] in {"dpkg-query", "sh"}
        return ran("".join(f"install\tok\tinstalled\t{name}\tamd64\t{one}\t\n" for name, one in there.items()))

    def change(*argv: str) -> Ran:
        for word in argv:
            there.pop(word.removesuffix("-"), "") if word.endswith("-") else None
        return ran()

    node.on_run, node.on_change = run, change
    return there


def test_what_a_failed_deploy_has_claimed_is_not_taken_from_who_installs_it_later(node: FakeNode) -> None:
    """Law: what is gone again is nobody's; what was there before us, and what could not go, stays on the list."""
    there = has(node, jq="1", lib="1", chrony="2", stuck="1")
    was = {"chrony": "", "jq": "0", "lib": "", "never-came": "", "back-in-time": ""}
    Claims(node).add(node, "packages", was, frozenset({"chrony", "jq", "never-came"}))
    Claims(node).hold(node, "packages", {"never-came": True}, {})
    Begun(node).begin(node, WISH, was)
    back = go_back(node, (), "amd64")
    assert back.stays == {"jq": "0"}
    assert Claims(node).all() == {
        "jq": Claim("0", "packages"),
        "never-came": Claim("", "packages", is_asked=False, is_held=True),  # its hold is still ours to end
    }
    there.update({"chrony": "4", "lib": "4", "never-came": "4"})  # by a technician
    assert judge(Asked(("packages",), (), ()), look(node), Claims(node).all()).retired == ()


def step(*, may: bool = False, now: datetime = NOON) -> GpuPackages:
    """Return the step that wants Ubuntu's driver of another branch: another name."""
    packages = Packages(
        gpu=(Package("nvidia-driver-580", "580.95"),), pool=(Deb("nvidia-driver-580", "580.95", "all", "sha256:0"),)
    )
    return GpuPackages(packages, NIGHT, may_reboot=may, now=lambda: now)


def serves(node: FakeNode) -> None:
    """Let the store run something."""
    slots, sender = Slots(node.places), Sender("ada", "laptop")
    digest = digest_of(b"")
    slots.promote(slots.accept(Envelope("s", "node-1", digest, digest, "", 1, "2026-01-01T00:00:00Z", sender)))


def test_a_driver_of_another_name_waits_for_the_hours_too(node: FakeNode) -> None:
    """Law: nvidia-driver-580 takes the place of nvidia-driver-570 no sooner than another version of one name would."""
    has(node, nvidia_driver_570="570.1")
    Claims(node).add(node, "gpu-packages", {"nvidia-driver-570": ""}, frozenset({"nvidia-driver-570"}))
    assert step().probe(node).status is Status.DRIFTED, "a store that runs nothing yet has no hours to keep"
    serves(node)
    seen = step().probe(node)
    said = "nvidia-driver-580 580.95: waits for its hours, next Mon 22:00; until then nvidia-driver-570 570.1 stays"
    assert (seen.status, seen.absent) == (Status.CURRENT, said)
    assert step(now=LATE).probe(node).status is Status.DRIFTED
    assert step(may=True).probe(node).status is Status.DRIFTED


@pytest.mark.parametrize("claimed", [True, False])
def test_a_first_driver_waits_for_nothing(node: FakeNode, *, claimed: bool) -> None:
    """Nothing of ours would go: what is missing is brought at any hour, also beside a stranger's package."""
    has(node, jq="1", **({} if claimed else {"nvidia_driver_570": "570.1"}))
    if claimed:
        Claims(node).add(node, "gpu-packages", {"nvidia-driver-570": ""}, frozenset({"nvidia-driver-570"}))
    serves(node)
    assert step().probe(node).status is Status.DRIFTED
