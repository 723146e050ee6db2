"""Which services make a store's chain: what the release's own manifests show, and what is declared beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgectl.control.inventory.store import ChainSettings, DependencySettings
from edgectl.control.payload.chain import chain
from edgectl.wire.chain import Chain, Endpoint
from edgectl.wire.document import from_json, to_json
from edgectl.wire.payload import Inference, Release

QUESTION = Inference("vision", "inference", 8000, "tiny", {}, (0.5,))
DECLARED = ChainSettings(declared=True)


def service(name: str, *ports: tuple[str, int]) -> dict[str, Any]:
    """Return a rendered Service."""
    spec = {"ports": [{"name": port, "port": number} for port, number in ports]}
    return {"kind": "Service", "metadata": {"name": name}, "spec": spec}


def release(*manifests: dict[str, Any], name: str = "vision-stack") -> Release:
    """Return a release of these objects."""
    return Release(name, "vision", "c", {}, "d", manifests)


CAMERA, BUS = service("camera", ("ops", 9100)), service("bus", ("mqtt", 1883), ("ops", 9100))
INFERENCE = service("inference", ("http", 8000), ("ops", 9100))
WHOLE = release(CAMERA, INFERENCE, BUS, service("uplink", ("ops", 9100)), service("drift", ("ops", 9100)))


def made(
    asked: ChainSettings, *releases: Release, question: Inference | None = QUESTION, gpu: bool = False
) -> tuple[Chain | None, list[tuple[Any, ...]]]:
    """Return the chain, and what was found wrong: sentence and place."""
    wrong: list[tuple[Any, ...]] = []
    found = chain(asked, releases, question, lambda *said: wrong.append(said), gpu=gpu, models=False)
    return found, wrong


def test_a_release_with_a_camera_has_a_chain() -> None:
    """Nothing need be declared; each service by its name, at its port of operations, the bus at its MQTT port."""
    found, wrong = made(ChainSettings(), release(name="other"), WHOLE)
    assert found is not None
    assert wrong == []
    ports = {"bus": 1883, "camera": 9100, "drift": 9100, "inference": 9100, "uplink": 9100}
    assert found.services == {name: Endpoint(name, port) for name, port in ports.items()}
    assert (found.namespace, found.canary_ms) == ("vision", 500.0)
    assert from_json(Chain, to_json(found)) == found


@pytest.mark.parametrize("manifests", [(), (INFERENCE, BUS), ({"kind": "Deployment", "metadata": {"name": "camera"}},)])
def test_without_a_camera_there_is_none_unless_declared(manifests: tuple[dict[str, Any], ...]) -> None:
    """A store of before has no chain, and the same payload."""
    assert made(ChainSettings(), release(*manifests)) == (None, [])


def test_it_can_be_turned_off() -> None:
    """`enabled: false` is the end of it."""
    assert made(ChainSettings(declared=True, enabled=False), WHOLE) == (None, [])


def test_a_shorter_chart_has_a_shorter_chain() -> None:
    """A Service without a port that says how it is is no link of its own; the known question still is."""
    found, wrong = made(DECLARED, release(service("inference", ("http", 8000)), service("bus", ("mqtt", 1884))))
    assert found is not None
    assert (found.services, wrong) == ({}, [])


def test_what_is_required_must_be_there() -> None:
    """A link that the chart has not is found at its line; the sink comes with the uplink."""
    asked = replace(DECLARED, required=("camera", "sink", "gpu"))
    assert made(asked, WHOLE)[1] == []
    found, wrong = made(asked, release(CAMERA, INFERENCE, BUS))
    sentence = "chain.required: sink is no link of this store: release vision-stack has no Service for it"
    assert wrong == [(sentence, "chain", "required", 1)]
    assert found is not None


def test_nothing_at_all_is_an_error() -> None:
    """A chain that is declared and has nothing to ask would pass on nothing."""
    found, wrong = made(DECLARED, release(name="other"), question=None)
    assert found is None
    assert wrong[0][1:] == ("chain",)
    assert "and no dependencies are declared" in wrong[0][0]


def test_dependencies_come_behind_what_they_rest_on() -> None:
    """Whatever their order in the inventory; one that rests on a link that is not there is found."""
    own = (
        DependencySettings("printer", "tcp", "printer:9100", after="switch"),
        DependencySettings("switch", "exec", command=("/usr/bin/true",), required=True),
        DependencySettings("cloud", "http", "https://x/", expect="200", after="uplink"),
    )
    found, wrong = made(replace(DECLARED, dependencies=own), release(CAMERA))
    assert found is not None
    assert [one.name for one in found.dependencies] == ["switch", "cloud", "printer"]
    assert [said[1:] for said in wrong] == [("chain", "dependencies", "cloud", "after")]
    alone, wrong = made(replace(DECLARED, dependencies=own[:2]), question=None)
    assert alone is not None
    assert (alone.namespace, wrong) == ("default", [])
