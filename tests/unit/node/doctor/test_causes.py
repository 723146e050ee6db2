"""The first cause: what lies below explains what lies above, and is blamed alone. Facts in, codes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.doctor.parts import title_of
from edgectl.wire.chain import NETWORK, NOT_READY, State
from edgectl.wire.diagnosistext import lines
from edgectl.wire.finding import STOP, WARN
from edgectl.wire.gpu import Smoke
from tests.unit.node.doctor.store import NOW, VOLUME, Facts, codes
from tests.unit.node.gpu.test_why import DOWN, NO_DRIVER, NO_TOOLKIT, NO_UVM
from tests.unit.node.gpu.test_why import XID as FELL
from tests.unit.node.vision.chain.store import bus_down, says, seen, well, without_canary

WELL = Facts()
REFUSED = "the Kubernetes API does not answer: connection refused"
EXPIRED = State(NOT_READY, "its TLS certificate expired", NETWORK)
Change = Callable[[Facts], Facts]


def full(facts: Facts) -> Facts:
    """Fill the disk."""
    return replace(facts, ground=replace(facts.ground, volumes=(replace(VOLUME, free_bytes=4096),)))


def stopped(facts: Facts) -> Facts:
    """Stop k3s: the API is gone, and the GPUs' look cannot ask it."""
    unknown = tuple(replace(one, allocatable=None) for one in facts.gpus.offers)
    seen_ = facts.without_api(REFUSED).step("k3s", "drifted", "k3s.service is inactive")
    return seen_.gpu(api=DOWN, this_boot=None, offers=unknown)


def looping(facts: Facts, words: str = "k3s ends as soon as it starts: exit 1") -> Facts:
    """Let k3s end at its start."""
    return facts.without_api(REFUSED).step("k3s", "failed", words).gpu(api=DOWN, this_boot=None)


def fell(facts: Facts) -> Facts:
    """Let the one GPU of two that inference holds fall off the bus; one is required."""
    return facts.gpu(required=2, cards=(replace(facts.gpus.cards[0], fatal=FELL), facts.gpus.cards[1]))


def no_sink(facts: Facts) -> Facts:
    """Let the sink's certificate expire."""
    return replace(facts, chain=seen(without_canary(says(well(), "uplink", "sink", EXPIRED), "uplink")))


def no_way(facts: Facts) -> Facts:
    """Let nobody reach the sink."""
    said = State(NOT_READY, "198.51.100.7: No route to host", NETWORK)
    return replace(facts, chain=seen(without_canary(says(well(), "uplink", "sink", said), "uplink")))


def no_bus(facts: Facts) -> Facts:
    """Let the bus be silent."""
    return replace(facts, chain=seen(bus_down(well())))


def crashing(facts: Facts, name: str = "camera") -> Facts:
    """Let a program crash."""
    return facts.pod(name, f"{name} crash-loops: exit 1 (Error)", f"{name}: CrashLoopBackOff", status=Status.FAILED)


CASES: dict[str, tuple[Change, list[str]]] = {
    "nothing": (lambda facts: facts, []),
    "disk full": (full, ["E-DSK-01"]),
    "disk full, which the first gate sees, too": (
        lambda facts: full(facts).step("host", "current", "Debian", degraded="0.0 GiB of disk free, 4.0 are wanted"),
        ["E-DSK-01"],
    ),
    "little disk": (
        lambda facts: facts.step("host", "current", "Debian", degraded="1.0 GiB of disk free, 4.0 are wanted"),
        ["E-DSK-02"],
    ),
    "disk full, and k3s ends at its start": (lambda facts: looping(full(facts)), ["E-DSK-01"]),
    "disk read-only": (
        lambda facts: replace(facts, ground=replace(facts.ground, volumes=(replace(VOLUME, read_only=True),))),
        ["E-DSK-03"],
    ),
    "no inodes": (
        lambda facts: replace(facts, ground=replace(facts.ground, volumes=(replace(VOLUME, free_inodes=3),))),
        ["E-DSK-04"],
    ),
    "disk tight, nothing minds": (
        lambda facts: replace(facts, ground=replace(facts.ground, volumes=(replace(VOLUME, free_bytes=5 << 30),))),
        [],
    ),
    "disk tight, and the kubelet minds": (
        lambda facts: replace(
            facts.without_api("the node reports DiskPressure"),
            ground=replace(facts.ground, volumes=(replace(VOLUME, free_bytes=5 << 30),)),
        ),
        ["E-DSK-02"],
    ),
    "clock before the last deploy": (
        lambda facts: replace(facts, ground=replace(facts.ground, newest=NOW + 9e6)),
        ["E-CLK-01"],
    ),
    "clock wrong, and k3s ends at its start": (
        lambda facts: looping(replace(facts, ground=replace(facts.ground, newest=NOW + 9e6))),
        ["E-CLK-01"],
    ),
    "battery dead, nothing minds": (lambda facts: facts.found("clock-rtc", WARN, "2 years off"), []),
    "battery dead, and certificates do": (
        lambda facts: no_sink(facts.found("clock-rtc", WARN, "2 years off")),
        ["E-CLK-03"],
    ),
    "no memory": (lambda facts: replace(facts, ground=replace(facts.ground, memory_bytes=1 << 20)), ["E-MEM-01"]),
    "address gone": (
        lambda facts: looping(facts.found("network-address", STOP, "10.77.0.11 is not on this node")),
        ["E-NET-01"],
    ),
    "cable out": (lambda facts: facts.found("network-link", WARN, "eth0 has no link"), ["E-NET-06"]),
    "cable out, and the sink is not reached": (
        lambda facts: no_way(
            facts.found("network-link", WARN, "eth0 has no link").found("network-route", WARN, "none")
        ),
        ["E-NET-06"],
    ),
    "only the stand-in has the address, offline by design": (
        lambda facts: facts.found("network-alone", WARN, "only edgectl0 has it"),
        [],
    ),
    "only the stand-in has the address, and the sink is not reached": (
        lambda facts: no_way(facts.found("network-alone", WARN, "only edgectl0 has it")),
        ["E-NET-06"],
    ),
    "no route, offline by design": (lambda facts: facts.found("network-route", WARN, "there is no default route"), []),
    "no name server, sink not resolved": (
        lambda facts: replace(
            facts.found("network-names", WARN, "the name server 10.0.0.1 does not answer"),
            chain=seen(
                without_canary(
                    says(well(), "uplink", "sink", State(NOT_READY, "sink.example does not resolve", NETWORK)), "uplink"
                )
            ),
        ),
        ["E-NET-03"],
    ),
    "advice of the survey is no fault": (lambda facts: facts.found("os-swap", WARN, "swap is on"), []),
    "k3s stopped": (stopped, ["E-K3S-03"]),
    "k3s ends at its start": (looping, ["E-K3S-05"]),
    "k3s ends at its start, its settings were changed": (
        lambda facts: looping(facts.step("k3s-files", "drifted", "config.yaml differs from what is declared")),
        ["E-K3S-02"],
    ),
    "a port is taken": (lambda facts: looping(facts, "k3s ends: address already in use"), ["E-K3S-07"]),
    "API silent under a k3s that runs": (
        lambda facts: facts.without_api("the Kubernetes API does not answer: no answer in 10 s").gpu(api=DOWN),
        ["E-API-01"],
    ),
    "node not Ready": (
        lambda facts: facts.without_api("the node is not Ready: cni plugin not initialized"),
        ["E-NOD-02"],
    ),
    "image missing": (
        lambda facts: facts.step("images", "drifted", "bus:1 is missing").pod(
            "bus", "0 of 1", "bus: ErrImageNeverPull"
        ),
        ["E-IMG-03"],
    ),
    "an image that nobody declared": (lambda facts: facts.pod("bus", "0 of 1", "bus: ErrImagePull"), ["E-POD-02"]),
    "driver gone": (lambda facts: facts.gpu(driver=NO_DRIVER), ["E-GPU-01"]),
    "uvm gone": (lambda facts: facts.gpu(uvm=NO_UVM), ["E-GPU-02"]),
    "uvm gone, as its step says, too": (
        lambda facts: facts.gpu(uvm=NO_UVM).step("gpu-driver", "drifted", "/dev/nvidia-uvm is missing"),
        ["E-GPU-02"],
    ),
    "k3s does not know the toolkit, which its step alone sees": (
        lambda facts: facts.step("gpu-driver", "drifted", "k3s had started before the toolkit came"),
        ["E-GPU-01"],
    ),
    "card pulled, as the survey counts, too": (
        lambda facts: facts.found("gpu-cards", STOP, "1 of 2 GPUs by the driver, 2 required").gpu(
            required=2, cards=(replace(facts.gpus.cards[0], listed=False), facts.gpus.cards[1])
        ),
        ["E-GPU-17"],
    ),
    "card not on the bus, so the driver does not load": (
        lambda facts: facts.found("gpu-cards", STOP, "0 of 2 GPUs on the PCI bus, 1 required").gpu(driver=NO_DRIVER),
        ["E-GPU-12"],
    ),
    "toolkit gone": (lambda facts: facts.gpu(toolkit=NO_TOOLKIT), ["E-GPU-03"]),
    "Xid": (fell, ["E-GPU-05"]),
    "Xid, and inference waits for its GPU": (
        lambda facts: fell(facts).pod("inference", "0 of 1", "gpu-gate waits"),
        ["E-GPU-05"],
    ),
    "card pulled": (
        lambda facts: facts.gpu(required=2, cards=(replace(facts.gpus.cards[0], listed=False), facts.gpus.cards[1])),
        ["E-GPU-17"],
    ),
    "smoke failed": (
        lambda facts: facts.gpu(
            required=2,
            cards=(replace(facts.gpus.cards[0], smoke=Smoke(ok=False, reason="7 wrong")), facts.gpus.cards[1]),
        ),
        ["E-GPU-07"],
    ),
    "plugin's pod crashes": (
        lambda facts: crashing(facts, "nvidia-device-plugin").gpu(
            plugin=replace(facts.gpus.plugin, runs=False, answers=False),
            offers=tuple(replace(one, allocatable=0) for one in facts.gpus.offers),
        ),
        ["E-POD-01"],
    ),
    "marker gone": (lambda facts: facts.gpu(marker=False), ["E-GPU-11"]),
    "models damaged": (lambda facts: facts.step("models", "drifted", "tiny-detector 2 differs"), ["E-MOD-01"]),
    "models damaged, and inference crashes": (
        lambda facts: crashing(facts.step("models", "drifted", "tiny-detector 2 differs"), "inference"),
        ["E-MOD-01"],
    ),
    "a secret deleted, a pod waits": (
        lambda facts: facts.step("secrets", "drifted", "vision/app is missing").pod(
            "camera", "0 of 1", "camera: CreateContainerConfigError"
        ),
        ["E-SEC-01"],
    ),
    "out of memory": (lambda facts: facts.pod("drift", "0 of 1", "drift ended: OOMKilled (exit 137)"), ["E-POD-06"]),
    "no room for it": (lambda facts: facts.pod("drift", "0 of 1", "0/1 nodes: Insufficient memory."), ["E-POD-03"]),
    "scaled away": (
        lambda facts: facts.pod("sink", "0 of 1", "Deployment/sink: spec.replicas is 0, declared replicas 1"),
        ["E-POD-10"],
    ),
    "changed by hand, and named by its release": (
        lambda facts: facts.step(
            "release-vision-stack",
            "drifted",
            "changed by hand",
            differences=(("Deployment/sink spec.replicas", "0", "1"),),
        ).pod("sink", "0 of 1", "Deployment/sink: spec.replicas is 0, declared replicas 1"),
        ["E-POD-10"],
    ),
    "bus silent": (no_bus, ["E-BUS-01"]),
    "bus silent since its pod crashes": (lambda facts: no_bus(crashing(facts, "bus")), ["E-POD-01"]),
    "sink's certificate": (no_sink, ["E-SNK-02"]),
    # doubles that have nothing to do with each other: both, what stops the store first, the lower first
    "k3s stopped, models damaged": (
        lambda facts: stopped(facts).step("models", "drifted", "tiny-detector 2 differs"),
        ["E-K3S-03", "E-MOD-01"],
    ),
    "k3s stopped, Xid": (lambda facts: fell(stopped(facts)), ["E-K3S-03", "E-GPU-05"]),
    "disk full, k3s stopped by hand": (lambda facts: stopped(full(facts)), ["E-DSK-01", "E-K3S-03"]),
    "Xid, sink's certificate": (lambda facts: no_sink(fell(facts)), ["E-GPU-05", "E-SNK-02"]),
    "Xid, camera crashes": (lambda facts: crashing(fell(facts)), ["E-GPU-05", "E-POD-01"]),
    "driver gone, bus silent": (lambda facts: no_bus(facts.gpu(driver=NO_DRIVER)), ["E-GPU-01", "E-BUS-01"]),
    "models damaged, out of memory": (
        lambda facts: facts.step("models", "drifted", "differs").pod("drift", "0 of 1", "drift ended: OOMKilled"),
        ["E-POD-06", "E-MOD-01"],
    ),
    "a file changed, k3s stopped": (
        lambda facts: stopped(facts).step("host-files", "drifted", "/etc/motd differs"),
        ["E-K3S-03", "E-HST-01"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_cause(name: str) -> None:
    """The codes, in order, and nothing else is blamed; each has evidence, a sentence, what to do."""
    change, want = CASES[name]
    found = change(WELL).diagnosed()
    assert [cause.code for cause in found.causes] == want, "\n".join(lines(found))
    assert not found.unseen, found.unseen
    assert not {title_of(cause.part) for cause in found.causes} & set(found.fine)
    assert all(cause.do and cause.says for cause in found.causes)
    assert max(map(len, lines(found))) <= 80
    assert "\n".join(lines(found)).isascii()


def test_a_disk_that_takes_no_writes_says_why() -> None:
    """In the words that the mount has."""
    found = replace(WELL, ground=replace(WELL.ground, volumes=(replace(VOLUME, path="/data", read_only=True),)))
    (cause,) = found.diagnosed().causes
    assert cause.says == "The disk takes no writes: /data is mounted read-only"


def test_two_that_are_well_are_two_that_are_named() -> None:
    """With nothing wrong, exit 0, and the parts by name."""
    found = WELL.diagnosed()
    assert (found.word, found.exit) == ("ready", 0)
    assert {"power", "disk", "k3s", "GPU 0", "GPU 1", "models", "bus", "pods", "releases"} <= set(found.fine)


def test_a_card_that_nobody_declared_and_that_is_gone_is_a_note() -> None:
    """Law: as for `status`, the store has the GPUs that it declares, and is ready. It is told all the same.

    Seeded: a cause, as of a declared card.
    """
    zero, one = WELL.gpus.cards
    found = WELL.gpu(count=1, required=1, cards=(zero, replace(one, index=-1, listed=False, spare=True))).diagnosed()
    assert (found.word, found.causes) == ("ready", ())
    assert any("has computed in this boot, and is gone: the driver does not list it" in note for note in found.notes)


def test_consequences_are_named_and_not_blamed() -> None:
    """What rests on k3s follows from it; what stands beside it is fine."""
    found = stopped(WELL).diagnosed()
    (cause,) = found.causes
    assert {"kubernetes API", "pods", "inference", "GPU offer"} <= set(cause.so)
    assert not {"disk", "models", "GPU 0"} & set(cause.so)
    assert {"disk", "models", "GPU 0"} <= set(found.fine)


def test_what_could_not_be_looked_at_is_never_fine() -> None:
    """With nothing below it that is wrong: unknown, exit 5; below a cause: a consequence."""
    facts = WELL.step("models", "unknown", "the disk does not answer")
    found = facts.diagnosed()
    assert (found.word, found.exit, [one.part for one in found.unseen]) == ("unknown", 5, ["models"])
    assert "models" not in found.fine
    assert not full(facts).diagnosed().unseen


def test_codes_in_short() -> None:
    """The same facts give the same codes, whatever order they come in."""
    assert codes(fell(stopped(WELL))) == codes(stopped(fell(WELL)))
