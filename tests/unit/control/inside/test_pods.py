"""Which pods a name means."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.control.inside.pods import Pod, meant, pods_of
from edgectl.wire.errors import UsageError


def pod(namespace: str, name: str, owner: str = "", **extra: Any) -> dict[str, Any]:
    """Return a pod as the API lists it; `owner` is Kind/name."""
    kind, _, of = owner.partition("/")
    meta: dict[str, Any] = {"namespace": namespace, "name": name, **extra}
    if owner:
        meta["ownerReferences"] = [{"kind": kind, "name": of, "controller": True}]
    if kind == "ReplicaSet":
        meta["labels"] = {"pod-template-hash": of.rpartition("-")[2]}
    spec = {"containers": [{"name": "main"}, {"name": "side"}], "initContainers": [{"name": "gate"}]}
    return {"metadata": meta, "spec": spec, "status": {"phase": "Running", "containerStatuses": [{"restartCount": 2}]}}


PODS = pods_of(
    [
        pod("vision", "inference-8649bc95cc-kg6gr", "ReplicaSet/inference-8649bc95cc"),
        pod("vision", "camera-1-aaaaa", "ReplicaSet/camera-1"),
        pod("vision", "camera-1-bbbbb", "ReplicaSet/camera-1"),
        pod("gpu-system", "nvidia-device-plugin-x2b4c", "DaemonSet/nvidia-device-plugin"),
        pod("kube-system", "coredns-5d-zzzzz", "ReplicaSet/coredns-5d"),
        pod("other", "camera-9-ccccc", "ReplicaSet/camera-9"),
        pod("default", "alone"),
    ]
)


def names(asked: str) -> list[str]:
    return [one.name for one in meant(PODS, asked, store="store-042")]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("inference", ["inference-8649bc95cc-kg6gr"]),
        ("inference-8649bc95cc-kg6gr", ["inference-8649bc95cc-kg6gr"]),
        ("vision/camera", ["camera-1-aaaaa", "camera-1-bbbbb"]),
        ("vision/deployment/camera", ["camera-1-aaaaa", "camera-1-bbbbb"]),
        ("other/camera", ["camera-9-ccccc"]),
        ("deploy/inference", ["inference-8649bc95cc-kg6gr"]),
        ("ds/nvidia-device-plugin", ["nvidia-device-plugin-x2b4c"]),
        ("pod/camera-1-aaaaa", ["camera-1-aaaaa"]),
        ("alone", ["alone"]),
        ("pod/alone", ["alone"]),
    ],
)
def test_a_pods_own_name_and_its_workloads(asked: str, found: list[str]) -> None:
    """With its kind or its namespace before it, too."""
    assert names(asked) == found


def test_a_name_that_is_none_gets_those_that_there_are() -> None:
    """And the nearest one."""
    with pytest.raises(UsageError) as caught:
        names("infrence")
    assert 'did you mean "inference"?' in caught.value.message
    assert "vision/inference" in caught.value.hint
    assert "gpu-system/nvidia-device-plugin" in caught.value.hint
    for asked in ("ds/inference", "gpu-system/inference", "", "/", "a/b/c"):
        with pytest.raises(UsageError):
            names(asked)
    with pytest.raises(UsageError, match="store-042 has no pod"):
        meant((), "inference", store="store-042")


def test_a_name_of_two_workloads_is_a_question() -> None:
    """Never a guess."""
    with pytest.raises(UsageError) as caught:
        names("camera")
    assert caught.value.hint == "which one? other/camera, vision/camera"


def test_containers() -> None:
    """The first is meant, or the one that the pod says; those that prepare it can be asked for."""
    (one,) = meant(PODS, "alone", store="s")
    assert (one.container(""), one.container("gate"), one.restarts) == ("main", "gate", 2)
    with pytest.raises(UsageError) as caught:
        one.container("nobody")
    assert caught.value.hint == "it has gate, main, side"
    said: tuple[Pod, ...] = pods_of(
        [pod("a", "b", annotations={"kubectl.kubernetes.io/default-container": "side"}, deletionTimestamp="now")]
    )
    assert (said[0].default, said[0].phase) == ("side", "Terminating")
