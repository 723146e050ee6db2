"""Several nodes, one store: each fault is blamed once, where it is; what the link says has its code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.control.doctor import desk, way
from edgectl.control.doctor.ask import Answer
from edgectl.control.doctor.desk import Desk
from edgectl.control.doctor.store import exit_of, together
from edgectl.control.link.lost import LinkLost, WrongHostKey
from edgectl.wire.diagnosis import Cause, Diagnosis
from edgectl.wire.errors import EdgectlError, NotReady, Unreachable

K3S = Cause("E-K3S-03", "k3s", "k3s does not run")
API = Cause("E-API-01", "api", "Kubernetes does not answer")
XID = Cause("E-GPU-05", "gpu-card 0", "A GPU has failed")
MISSED = Cause("E-NBR-01", "neighbour node-2", "A neighbour is missing", stops=False)
FINE = Answer(Diagnosis("n", fine=("disk", "clock"), looked=2))

SENTENCES: tuple[tuple[EdgectlError, str], ...] = (
    (Unreachable("node-1 (root@store:22): the name store has no address"), "E-LNK-02"),
    (Unreachable("node-1 (root@10.0.0.1:22) did not answer within 15 s"), "E-LNK-03"),
    (Unreachable("node-1 (root@10.0.0.1:22) refused the connection"), "E-LNK-04"),
    (Unreachable("node-1 (root@10.0.0.1:22) is not reachable: No route to host"), "E-LNK-05"),
    (WrongHostKey("10.0.0.1 shows another host key"), "E-LNK-06"),
    (Unreachable("10.0.0.1 lets root in with none of 2 keys (node-1)"), "E-LNK-07"),
    (Unreachable("there is no key to log in to node-1 with"), "E-OPS-02"),
    (Unreachable("node-1: sudo wants bob's password, and none is configured"), "E-LNK-08"),
    (NotReady("node-1 has Python 3.8; edgectl needs Python 3.10 or newer there"), "E-LNK-09"),
    (LinkLost("the link to node-1 is lost"), "E-LNK-10"),
    (NotReady("this node's engine does not know 'doctor'"), "E-LNK-12"),
    (Unreachable("the jump host bastion did not answer"), "E-LNK-14"),
    (Unreachable("something else"), "E-LNK-01"),
)


@pytest.mark.parametrize(("error", "code"), SENTENCES)
def test_what_the_link_says_has_a_code(error: EdgectlError, code: str) -> None:
    """And it is no word on whether the store sells."""
    seen = way.cause("node-1", error)
    assert (seen.code, seen.stops) == (code, False)
    assert seen.do


def test_the_links_sentences_are_still_so() -> None:
    """The patterns are of the sentences that the link has: each stands in its sources."""
    folder = Path(way.__file__).parents[1] / "link"
    text = "\n".join(path.read_text() for path in folder.glob("*.py"))
    for words in (
        "has no address",
        "did not answer within",
        "refused the connection",
        "is not reachable",
        "in with none of",
    ):
        assert words in text
    for words in ("there is no key to log in", "needs Python", "cannot keep the engine", "was not resolved"):
        assert words in text


def test_a_servers_fault_is_blamed_once() -> None:
    """What its agents lack of the cluster follows from it; what they have of their own stays theirs."""
    answers = {"node-1": Answer(Diagnosis("n", (K3S,))), "node-2": Answer(Diagnosis("n", (API, XID)))}
    found = together("store-042", "node-1", answers, {})
    assert [(one.node, one.code) for one in found.causes] == [("node-1", "E-K3S-03"), ("node-2", "E-GPU-05")]
    assert found.causes[0].so == ("node-2 (E-API-01)",)


def test_a_missed_neighbour_is_its_own_nodes_fault() -> None:
    """Whether it says so itself, or cannot be asked at all."""
    answers = {"node-1": Answer(Diagnosis("n", (MISSED,))), "node-2": Answer(Diagnosis("n", (K3S,)))}
    assert [one.code for one in together("s", "node-1", answers, {}).causes] == ["E-K3S-03"]
    silent: dict[str, Answer | EdgectlError] = {
        "node-1": answers["node-1"],
        "node-2": Unreachable("it did not answer within 15 s"),
    }
    found = together("s", "node-1", silent, {})
    assert [one.code for one in found.causes] == ["E-LNK-03"]
    alone = {"node-1": answers["node-1"], "node-2": FINE}
    assert [one.code for one in together("s", "node-1", alone, {}).causes] == ["E-NBR-01"]


def test_exits_are_those_of_status() -> None:
    """4 where the server is silent; a silent neighbour degrades; a fault counts more."""
    no = Unreachable("it did not answer within 15 s")
    cases: tuple[tuple[dict[str, Answer | EdgectlError], int], ...] = (
        ({"node-1": FINE}, 0),
        ({"node-1": no}, 4),
        ({"node-1": no, "node-2": FINE}, 4),
        ({"node-1": FINE, "node-2": no}, 9),
        ({"node-1": Answer(Diagnosis("n", (K3S,))), "node-2": no}, 5),
    )
    for answers, code in cases:
        assert exit_of(together("s", "node-1", answers, {}), "node-1", answers) == code


def test_what_was_told_last_and_a_slow_line() -> None:
    """The record speaks for a node that is silent; a slow line is a note."""
    silent: dict[str, Answer | EdgectlError] = {"node-1": Unreachable("it did not answer within 15 s")}
    beat = {"word": "degraded", "why": "chain", "runs": 7, "got": "2026-11-21T13:02:11Z"}
    (one,) = together("s", "node-1", silent, {"node-1": beat}).unseen
    assert "last told degraded: chain, sequence 7, collected 2026-11-21 13:02 UTC" in one.why
    (never,) = together("s", "node-1", silent, {}).unseen
    assert "nothing was ever collected" in never.why
    assert any("E-LNK-11" in note for note in together("s", "node-1", {"node-1": replace(FINE, seconds=2.5)}, {}).notes)


def test_what_is_fine_is_fine_everywhere() -> None:
    """A part that is wrong on one node is not called fine."""
    answers = {"node-1": FINE, "node-2": Answer(Diagnosis("n", (replace(K3S, part="disk"),), fine=("clock",)))}
    assert "disk" not in together("s", "node-1", answers, {}).fine


def test_this_machine_is_looked_at_part_by_part(tmp_path: Path) -> None:
    """Each that is wrong is named; none hides another."""
    bad = Desk(tmp_path / "none.yaml", tmp_path, (3, 9), lambda: 0.0, lambda _: 10, lambda _: (0, ("no such file",)))
    found = desk.looked(bad)
    assert [one.code for one in found.causes] == ["E-OPS-01", "E-OPS-06", "E-OPS-05", "E-OPS-02", "E-OPS-03"]
    assert found.exit == 5
