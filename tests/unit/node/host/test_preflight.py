"""A shell probe's exit code becomes an observation."""

from __future__ import annotations

import pytest

from edgectl.node.converge.protocol import LookFailed, Status
from edgectl.node.host.preflight import SCRIPT, Preflight, judge
from edgectl.node.io.programs import Ran
from tests.unit.node.fake import FakeNode, ran


@pytest.mark.parametrize(("code", "status"), [(0, Status.CURRENT), (1, Status.IN_PROGRESS), (2, Status.FAILED)])
def test_ready_not_yet_never(code: int, status: Status) -> None:
    """Three exit codes, and the line it printed is the reason."""
    seen = judge(ran("Debian 12, clock ok\n", code=code))
    assert (seen.status, seen.reason) == (status, "Debian 12, clock ok")


@pytest.mark.parametrize("code", [3, 126, 127, -9, None])
def test_any_other_end_is_no_look(code: int | None) -> None:
    """A script that is missing, killed or out of time has seen nothing: never fine."""
    with pytest.raises(LookFailed) as caught:
        judge(ran(code=code, err="sh: not found"))
    assert caught.value.evidence


@pytest.mark.parametrize(("must", "asked"), [(True, "1000000"), (False, "0")])
def test_room_is_demanded_only_of_what_is_new(
    node: FakeNode,
    monkeypatch: pytest.MonkeyPatch,
    must: bool,  # noqa: FBT001 - a table's column
    asked: str,
) -> None:
    """What runs already goes on with less, degraded: a disk that fills must not keep a rebooted store dark."""
    told: list[tuple[str, ...]] = []

    def run(*argv: str) -> Ran:
        told.append(argv)
        return ran("Debian 12")

    node.on_run = run
    free = 1000
    monkeypatch.setattr(node, "free_bytes", lambda _: free)
    seen = Preflight(1_000_000, must=must).probe(node)
    assert told[0][2] == asked
    assert (seen.status, "wanted" in seen.degraded) == (Status.CURRENT, True)
    free = 1_000_000
    assert Preflight(1_000_000, must=must).probe(node).degraded == ""


def test_it_asks_about_the_disk_of_the_state(node: FakeNode) -> None:
    """On a bare node, where that folder is not there yet, about the root."""
    asked: list[tuple[str, ...]] = []

    def run(*argv: str) -> Ran:
        asked.append(argv)
        return ran("fine")

    node.on_run = run
    Preflight(1000).probe(node)
    node.places.state.mkdir(parents=True)
    Preflight(1000).probe(node)
    assert asked == [
        ("sh", str(SCRIPT), "1000", str(node.places.root)),
        ("sh", str(SCRIPT), "1000", str(node.places.state)),
    ]
