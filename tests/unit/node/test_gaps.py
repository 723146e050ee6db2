"""How long k3s's API was away while it was started anew, and inference while its pods were replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from edgectl.node import gaps
from edgectl.node.gaps import K3S, Gaps
from edgectl.node.vision.client import Client
from edgectl.wire import event
from edgectl.wire.payload import Inference, Payload, Release
from tests.unit.node.fake import FakeNode

NOTHING = Payload("store-042", "", (), (), {})


def _gaps(*times: float) -> Gaps:
    clock: Iterator[float] = iter(times)
    return Gaps(lambda: next(clock))


def test_from_its_stop_until_it_is_ready() -> None:
    """Waiting words in between count nothing; the gate behind it, which waits for more than the API, is another."""
    gaps = _gaps(100.0, 106.25, 106.3, 119.0)
    for word in (event.CHANGING, event.WAITING, event.CHANGED):
        gaps.saw(word, "k3s")
    gaps.saw(event.OK, "k3s-serves")
    assert gaps.between(NOTHING, NOTHING) == {K3S: 6.2}


def test_one_that_was_not_started_anew_has_no_pause() -> None:
    """Nor has one that did not come up again: what was seen last is no measure."""
    gaps = _gaps(100.0, 101.0)
    gaps.saw(event.OK, "k3s")
    assert gaps.between(NOTHING, NOTHING) == {}
    gaps.saw(event.CHANGING, "k3s")
    gaps.saw(event.FAILED, "k3s")
    assert gaps.between(NOTHING, NOTHING) == {}


class Silent(Client):
    """A client that was 1.5 s without an answer."""

    def __init__(self) -> None:
        super().__init__(lambda: True)

    def away(self) -> float:
        """Say so."""
        return 1.5


def _manifest(kind: str, name: str, image: str = "", **labels: str) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"image": image}]}}
    spec = {"selector": labels} if kind == "Service" else {"template": template}
    return {"kind": kind, "metadata": {"name": name}, "spec": spec}


def _payload(image: str) -> Payload:
    manifests = (
        _manifest("Deployment", "inference", image, app="inference", tier="vision"),
        _manifest("Deployment", "bus", image, app="bus"),
        _manifest("Service", "inference", app="inference"),
    )
    release = Release("vision", "vision", "sha256:00", {}, "sha256:01", manifests)
    asked = Inference("vision", "inference", 8000, "tiny", {}, (0.5,))
    return replace(NOTHING, releases=(release,), inference=asked)


@pytest.mark.parametrize("client", [Silent, lambda: None])
def test_a_client_knows_how_long_inference_was_away(
    client: Callable[[], Client | None], node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: what it has seen is told of who serves inference; of the rest, and without it, what the gate took.

    Seeded: of all that the release runs; after the gate.
    """
    monkeypatch.setattr(gaps, "client_of", lambda *_: client())
    seen = _gaps(100.0, 104.0, 105.0, 106.0)
    seen.watch(node, _payload("new"))
    seen.saw(event.CHANGING, "release-vision")
    for word, step in ((event.CHANGED, "release-vision"), (event.OK, "workload-vision"), (event.OK, "inference")):
        seen.saw(word, step)
    found = seen.between(_payload("old"), _payload("new"))
    assert found == {"vision/Deployment/inference": 1.5 if client() else 5.0, "vision/Deployment/bus": 5.0}


def test_the_release_of_inference_alone_is_watched(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another release's change asks nobody; one change has one client, however often it is told."""
    asked: list[Client] = []

    def client(*_: object) -> Client:
        asked.append(Silent())
        return asked[-1]

    monkeypatch.setattr(gaps, "client_of", client)
    seen = Gaps(lambda: 1.0)
    seen.watch(node, _payload("new"))
    seen.saw(event.CHANGING, "release-others")
    assert not asked
    seen.saw(event.CHANGING, "release-vision")
    seen.saw(event.CHANGING, "release-vision")
    assert len(asked) == 1
