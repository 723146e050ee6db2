"""The doctor on a real store: nothing is blamed where all is well; each fault is put down to its own first cause."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from edgectl.sandbox.gpu.knobs import Knobs
from tests.e2e.conftest import Shop

pytestmark = pytest.mark.e2e


@pytest.fixture
def unhealed(settled: Shop) -> Iterator[Shop]:
    """Yield a store that does not repair itself while a fault is looked at; notes say so, and causes do not."""
    settled.node.sh("edgectl-node pause --for 20m --why 'a test'")
    try:
        yield settled
    finally:
        settled.node.sh("edgectl-node resume; systemctl start edgectl-watchdog.service")
        # the kubelet believes in a disk pressure for five minutes after it has gone
        settled.node.wait("it is whole again", lambda: settled.node.heal()["word"] == "ready", seconds=400, every=3)


def asked(shop: Shop) -> dict[str, Any]:
    """Ask the doctor at the rack."""
    ran = shop.node.run("edgectl-node", "doctor", "-o", "json", check=False)
    print(shop.node.run("edgectl-node", "doctor", check=False).out)  # noqa: T201 - the evidence of a failure
    found = json.loads(ran.out)
    assert isinstance(found, dict)
    assert found["exit"] == ran.code
    return found


def codes(found: dict[str, Any]) -> list[str]:
    """Return the codes of its causes, in order."""
    return [cause["code"] for cause in found["causes"]]


def test_nothing_is_blamed_where_all_is_well(settled: Shop) -> None:
    """Exit 0, and what is fine is named, from the rack and from a desk; a page is there offline."""
    found = asked(settled)
    assert (codes(found), found["unseen"], found["word"]) == ([], [], "ready"), found
    assert {"power", "disk", "clock", "k3s", "GPU proof", "models", "bus", "sink"} <= set(found["fine"])
    assert found["seconds"] < 20, found["seconds"]
    settled.operator.run("doctor").has("is READY: nothing is wrong")
    assert "power off" in settled.node.sh("edgectl-node doctor --explain E-GPU-17").lower()


def test_a_k3s_that_was_stopped_explains_all_above_it(unhealed: Shop) -> None:
    """One cause; what rests on it is its consequence; what stands beside it is fine. The bundle comes all the same."""
    unhealed.node.sh("systemctl stop k3s")
    try:
        found = asked(unhealed)
        assert (codes(found), found["unseen"]) == (["E-K3S-03"], []), found
        assert {"kubernetes API", "inference", "pods"} <= set(found["causes"][0]["so"]), found
        assert {"disk", "clock", "models", "GPU driver", "GPU 0"} <= set(found["fine"])
        unhealed.operator.run("doctor", code=5).has("E-K3S-03", "systemctl start k3s")
        unhealed.node.sh("edgectl-node doctor --bundle /root/doctor.tar.gz; test -s /root/doctor.tar.gz", check=False)
        packed = unhealed.node.sh("base64 -w0 /root/doctor.tar.gz")
        _is_a_bundle(packed)
    finally:
        unhealed.node.sh("systemctl start k3s; rm -f /root/doctor.tar.gz")


def _is_a_bundle(packed: str) -> None:
    import base64

    data = base64.b64decode(packed)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = set(archive.getnames())
    print(f"bundle: {len(data)} bytes, {len(names)} files")  # noqa: T201
    assert len(data) <= 5_000_000
    assert {"doctor/MANIFEST.txt", "doctor/doctor.txt", "doctor/logs/k3s.log", "doctor/versions.txt"} <= names
    assert any(name.startswith("doctor/journal/") for name in names)
    assert any(name.startswith("doctor/pods/vision_inference") for name in names), names


@dataclass(frozen=True)
class Fault:
    """Something that is done to a node, how it is undone, and the codes that it must have, in order."""

    do: str
    undo: str
    codes: tuple[str, ...]
    knob: tuple[str, str] = ("", "")
    seconds: float = 60


_MODEL = "f=$(find /var/lib/edgectl/models -type f -name '*.onnx' | head -1); echo $f > /root/which"
_REPLACE = f"{_MODEL}; ln -f $f /root/kept; cp $f $f.new; echo x >> $f.new; mv $f.new $f"
_PUT_BACK = "f=$(cat /root/which); ln -f /root/kept $f.new; mv $f.new $f; rm /root/kept"
FAULTS = {
    "k3s is frozen": Fault(
        "kill -STOP $(systemctl show -P MainPID k3s)", "kill -CONT $(systemctl show -P MainPID k3s)", ("E-API-02",)
    ),
    "a setting of k3s is broken": Fault(
        "cp /etc/rancher/k3s/config.yaml /root/kept; echo 'no-such-flag: 1' >> /etc/rancher/k3s/config.yaml; "
        "systemctl restart --no-block k3s",
        "cp /root/kept /etc/rancher/k3s/config.yaml; systemctl restart --no-block k3s",
        ("E-K3S-02",),
    ),
    "the disk is full": Fault(
        "df -B1 --output=avail /var/lib | tail -1 | xargs -I{} fallocate -l {} /var/lib/full",
        "rm -f /var/lib/full",
        ("E-DSK-01",),
    ),
    "the bus was scaled away": Fault(
        "kubectl scale -n vision deployment/bus --replicas=0",
        "kubectl scale -n vision deployment/bus --replicas=1",
        ("E-POD-10",),
    ),
    "a wrong image": Fault(
        "kubectl set image -n vision deployment/uplink uplink=nowhere.local/none:1",
        "kubectl rollout undo -n vision deployment/uplink",
        ("E-REL-01",),
    ),
    "a model is damaged": Fault(_REPLACE, _PUT_BACK, ("E-MOD-01",)),
    "a model is damaged where it lies, which is where its blob lies": Fault(
        f"{_MODEL}; cp $f /root/kept; echo x > $f", "cp /root/kept $(cat /root/which)", ("E-CNT-01",)
    ),
    "a GPU has an Xid": Fault(
        "true", "true", ("E-GPU-05",), ("kernel-log", "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.")
    ),
    "no driver": Fault(
        "/usr/lib/sandbox-gpu/sandbox-driver unload", "/usr/lib/sandbox-gpu/sandbox-driver load", ("E-GPU-01",)
    ),
    "k3s is stopped, and a model is damaged": Fault(
        f"systemctl stop k3s; {_REPLACE}", f"{_PUT_BACK}; systemctl start k3s", ("E-K3S-03", "E-MOD-01")
    ),
    "a GPU is unhealthy, and the sink was scaled away": Fault(
        "kubectl scale -n vision deployment/sink --replicas=0",
        "kubectl scale -n vision deployment/sink --replicas=1",
        ("E-GPU-09", "E-POD-10"),
        ("unhealthy", "0"),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_first_cause(unhealed: Shop, name: str) -> None:
    """The codes, in order, and nothing else; asked until the node itself has noticed."""
    fault, knobs = FAULTS[name], Knobs(unhealed.node.store)
    unhealed.node.sh(
        "systemctl kill -s STOP edgectl-watchdog.service"
    )  # it stays in sight of systemd, and mends nothing
    unhealed.node.sh(fault.do)
    if fault.knob[0]:
        knobs.set(*fault.knob)
    try:
        unhealed.node.wait(
            "it is seen, and nothing else",
            lambda: codes(asked(unhealed)) == list(fault.codes),
            seconds=fault.seconds,
            every=4,
        )
    finally:
        unhealed.node.sh("systemctl kill -s CONT edgectl-watchdog.service")
        knobs.clear()
        unhealed.node.sh(fault.undo)
