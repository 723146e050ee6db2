"""What the other side has answered is a cause of its own, whatever is broken below; who spoils answers explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from edgectl.node.converge.protocol import Observation, Status
from edgectl.node.doctor import dns, pods
from edgectl.node.doctor.answered import answered
from edgectl.node.doctor.symptom import WRONG, Symptom
from edgectl.node.vision.chain.said import Said
from edgectl.wire.chain import CONFIG, DEGRADED, NETWORK, NOT_READY, State
from edgectl.wire.finding import WARN, Finding
from tests.unit.node.doctor.store import NOW, Facts, codes
from tests.unit.node.doctor.test_causes import full
from tests.unit.node.vision.chain.store import POS, says, seen, well, without_canary

WELL = Facts()
Change = Callable[[Facts], Facts]


def sink(words: str, kind: str = CONFIG) -> Change:
    """Let the uplink say this of the sink."""
    said = State(NOT_READY, f"sink.example: {words}", kind)
    return lambda facts: replace(facts, chain=seen(without_canary(says(well(), "uplink", "sink", said), "uplink")))


def bus_refuses(facts: Facts) -> Facts:
    """Let the bus refuse the camera's password."""
    said = State(DEGRADED, "bus:1883 refuses: Bad user name or password", CONFIG)
    return replace(facts, chain=seen(without_canary(says(well(), "camera", "bus", said), "inference")))


def no_image(facts: Facts) -> Facts:
    """Let an image be missing, and its pod wait for it."""
    missing = facts.step("images", "drifted", "drift:1 is missing")
    return missing.pod("drift", "0 of 1", "drift: ErrImageNeverPull").pod("uplink", "0 of 1", "gate waits")


def unit_changed(facts: Facts) -> Facts:
    """Let somebody have edited k3s.service."""
    return facts.step("k3s-files", "drifted", "k3s.service differs from what is declared")


ANSWERS = {
    "HTTP 401": (sink("refuses this store's token (HTTP 401)"), "E-SNK-01"),
    "HTTP 503": (sink("answers HTTP 503 (Service Unavailable)", NETWORK), "E-SNK-01"),
    "expired": (sink("its TLS certificate expired on 2026-03-01"), "E-SNK-02"),
    "another name": (sink("its TLS certificate is for another name"), "E-SNK-02"),
    "not known": (sink("its name is not known (DNS)"), "E-SNK-01"),
    "not resolved": (sink("its name is not resolved (DNS does not answer)", NETWORK), "E-SNK-01"),
    "bad password": (bus_refuses, "E-BUS-01"),
}
BELOW = {"disk full": (full, "E-DSK-01"), "image": (no_image, "E-IMG-03"), "unit edited": (unit_changed, "E-K3S-02")}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("below", BELOW)
def test_an_answer_is_no_consequence(answer: str, below: str) -> None:
    """Both are named."""
    change, code = ANSWERS[answer]
    under, first = BELOW[below]
    assert set(codes(under(change(WELL)))) == {code, first}


@pytest.mark.parametrize("below", ["disk full", "image"])
def test_silence_is_a_consequence(below: str) -> None:
    """Who was not reached may lack what is broken below."""
    under, first = BELOW[below]
    assert codes(under(sink("port 443 does not answer", NETWORK)(WELL))) == [first]


def test_a_dependency_that_answers_is_a_cause() -> None:
    """Of the store's users' own, too."""
    asked = replace(
        well(), dependencies={**well().dependencies, POS.name: Said(NOT_READY, "answers HTTP 500, not 200")}
    )
    assert codes(full(replace(WELL, chain=seen(asked)))) == ["E-DSK-01", "E-DEP-01"]


def test_a_service_of_ours_that_answers_503_may_lack_what_is_below() -> None:
    """It is not the other side."""
    assert answered("answers HTTP 503 at /status", far=True)
    assert not answered("answers HTTP 503 at /status", far=False)


def test_a_clock_that_is_wrong_explains_dates_and_no_token() -> None:
    """Of a certificate nobody can tell; a refused token is one."""
    late = replace(WELL, ground=replace(WELL.ground, newest=NOW + 9e6))
    assert codes(sink("its TLS certificate is not valid yet, not yet valid")(late)) == ["E-CLK-01"]
    assert codes(sink("refuses this store's token (HTTP 401)")(late)) == ["E-CLK-01", "E-SNK-01"]


def test_no_default_route_explains_no_refusal() -> None:
    """Who refuses was reached; who is not reached was not."""
    alone = WELL.found("network-route", WARN, "there is no default route")
    assert codes(sink("refuses this store's token (HTTP 401)")(alone)) == ["E-SNK-01"]
    assert codes(sink("its name is not known (DNS)")(alone)) == ["E-SNK-01"]
    assert codes(sink("port 443 does not answer", NETWORK)(alone)) == ["E-NET-02"]


def test_one_name_alone_is_not_the_name_servers_fault() -> None:
    """The survey warns of the very same name: a name server that answers others is well."""
    named = Finding("network-names", WARN, "sink.example does not resolve", "", ("asked: 10.0.0.1",))
    facts = replace(WELL, findings={**WELL.findings, "network-names": named})
    said = sink("its name is not resolved (DNS does not answer)", NETWORK)
    assert codes(said(facts)) == ["E-SNK-01"]
    mute = replace(named, evidence=(*named.evidence, "no name server answers"))
    assert codes(said(replace(facts, findings={**facts.findings, "network-names": mute}))) == ["E-NET-03"]


@pytest.mark.parametrize("words", ["401 Unauthorized", "x509: certificate signed by unknown authority", "no such host"])
def test_a_registry_that_refuses_is_a_cause(words: str) -> None:
    """It was reached."""
    seen_ = pods.judged("pods bus", Observation(Status.IN_PROGRESS, f"bus: ErrImagePull {words}"), (), stops=True)
    assert (seen_.code, seen_.own) == ("E-POD-02", True)


DEPLOYMENT = {"spec": {"replicas": 1}, "status": {"readyReplicas": 1}}


@pytest.mark.parametrize(
    ("live", "says_"),
    [
        (DEPLOYMENT, (False, False)),
        ({**DEPLOYMENT, "status": {}}, (True, False)),
        ({"spec": {"replicas": 0}, "status": {}}, (True, True)),
        (None, (True, True)),
    ],
)
def test_cluster_dns(live: dict[str, object] | None, says_: tuple[bool, bool]) -> None:
    """Without a pod that is ready no name is found; who has scaled it away is no consequence of anything."""
    seen_ = dns.judged(live)
    assert (seen_.wrong, seen_.own) == says_
    assert seen_.code == ("E-DNS-01" if says_[0] else "")


def down(facts: Facts) -> Facts:
    """Take CoreDNS away."""
    return replace(facts, more=(dns.judged({"spec": {"replicas": 0}}),))


def test_names_that_pods_do_not_find_follow_from_cluster_dns() -> None:
    """They are said to be so, and are not blamed; what was answered, or is silent, has its own reason."""
    assert codes(down(WELL)) == ["E-DNS-01"]
    found = down(sink("its name is not resolved (DNS does not answer)", NETWORK)(WELL)).diagnosed()
    assert [(one.code, one.so) for one in found.causes] == [("E-DNS-01", ("sink",))]
    assert set(codes(down(sink("refuses this store's token (HTTP 401)")(WELL)))) == {"E-DNS-01", "E-SNK-01"}
    lost = WELL.pod("camera", "crash-loops: lookup bus: Temporary failure in name resolution", status=Status.FAILED)
    (cause,) = down(lost).diagnosed().causes
    assert (cause.code, cause.stops) == ("E-DNS-01", True), "the store stops because of it"
    assert set(codes(down(WELL.pod("camera", "crash-loops: exit 1", status=Status.FAILED)))) == {"E-DNS-01", "E-POD-01"}


def test_cluster_dns_without_its_image_follows() -> None:
    """Pods that are not ready may lack what they rest on."""
    facts = WELL.step("images", "drifted", "coredns:1 is missing")
    assert codes(replace(facts, more=(dns.judged({"spec": {"replicas": 1}, "status": {}}),))) == ["E-IMG-03"]


def test_an_own_pattern_beats_only_what_fits() -> None:
    """A pattern explains what says so, evidence of its own or not; `covers` of nothing lets it explain no more."""
    one = Symptom("dns", WRONG, "E-DNS-01", "down", covers=frozenset(), explains="name resolution")
    assert one.can_explain(Symptom("sink", WRONG, says="no name resolution", own=True))
    assert not one.can_explain(Symptom("sink", WRONG, says="silent"))
