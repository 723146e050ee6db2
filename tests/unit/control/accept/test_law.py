"""The laws of an acceptance's deploys bite, and its parts hide none of each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.control.accept import bare, law
from edgectl.control.accept.kit import Kit, smokes
from edgectl.control.accept.law import Figure
from edgectl.control.accept.report import Named, report
from edgectl.control.accept.row import FAILED, NOT_ASKED, OK, STOOD_IN, Row, code_of
from edgectl.control.accept.standins import GPU, K3S, LINK, MACHINE, standins
from edgectl.control.deploy.outcome import Outcome
from edgectl.report.accepted import lines
from edgectl.wire.diagnosis import Cause
from edgectl.wire.errors import Exit, StepFailed
from tests.unit.control.accept.site import GONE, REAL, SANDBOX, FakeSite, gpu_look, ready

ROW = Row("again", "deploy", "the same press again", "no change")
NAMED = Named("sha256:i", "", "sha256:p", "sha256:e", "2026-11-28T09:00:00Z", "2026-11-28T09:10:00Z")


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (ready("host-files"), "it has changed host-files"),
        (ready(link_bytes=16 * 1024 + 1), "16385 bytes went over the line, 16384 at most"),
        (ready(sessions=2), "it took 2 connections"),
        (replace(ready(), looked=0), "it has looked at nothing"),
    ],
)
def test_a_press_that_should_change_nothing(outcome: Outcome, why: str) -> None:
    """Law: no change, one connection, 16 KiB; what is over it is named with its number."""
    assert law.again(ROW, ready(link_bytes=16 * 1024), nodes=1).word == OK
    found = law.again(ROW, outcome, nodes=1)
    assert (found.word, found.evidence) == (FAILED, (why,))


def test_a_first_press_must_end_ready() -> None:
    """Law: degraded is not accepted, no verdict neither, and the step that is not well is told."""
    step = {"step": "gpu", "title": "gpu", "word": "waiting", "reason": "0 of 1"}
    outcome = Outcome(verdict={"exit": 9, "word": "degraded", "reason": "a GPU is missing"}, steps=[step])
    found = law.first(ROW, outcome)
    assert (found.word, found.exit, found.evidence) == (FAILED, 9, ("a GPU is missing", "gpu: 0 of 1"))
    assert law.first(ROW, Outcome()).exit == 5


def test_a_transfer_is_held_against_a_plain_copy() -> None:
    """Law: two in a hundred over it and 16 KiB; a figure of nothing is none."""
    assert law.copied(ROW, Figure("x", link_bytes=1_020_000 + 16_384, floor_bytes=1_000_000)).word == OK
    assert law.copied(ROW, Figure("x", link_bytes=1_020_001 + 16_384, floor_bytes=1_000_000)).word == FAILED
    assert law.copied(ROW, Figure("x", floor_bytes=1_000_000)).word == FAILED
    assert law.copied(ROW, Figure("x", link_bytes=17_000, floor_bytes=5_000), most=16_384).word == FAILED


def test_after_a_boot_something_must_have_begun() -> None:
    """Law: a law that is held by nothing is not held."""
    assert law.weathered(ROW, 3, (), expects=False).word == OK
    assert law.weathered(ROW, 3, (), expects=True).word == FAILED


def test_stand_ins_are_found_by_what_the_machine_says() -> None:
    """Law: each is named by its own fact; a real machine has none."""
    assert standins(REAL, loopback=False, has_gpu=True) == {}
    assert set(standins(SANDBOX, loopback=True, has_gpu=True)) == {MACHINE, K3S, LINK}
    assert set(standins(replace(REAL, gpu_device=False), loopback=False, has_gpu=True)) == {GPU}
    assert standins(replace(REAL, gpu_device=False), loopback=False, has_gpu=False) == {}
    for said in ("", "k3s version v1.36.3+k3s1 (standin)", "k3s version v1.36.3+k3s1"):
        assert K3S in standins(replace(REAL, k3s=said), loopback=False, has_gpu=True)


@pytest.mark.parametrize(
    ("look", "says"),
    [
        (None, "it was not asked"),
        (GONE, GONE.message),
        (gpu_look(cards=()), "0 GPUs, 1 required"),
        (gpu_look(this_boot=False), "no smoke of this boot"),
        (gpu_look(cards=(replace(gpu_look().cards[0], smoke=None),)), "no smoke of this boot"),
    ],
)
def test_a_gpu_that_has_not_computed_in_this_boot(look: object, says: str) -> None:
    """Law: only the smoke of this boot counts, and no GPU at all is none that computes."""
    (row,) = smokes("node-1", look)  # type: ignore[arg-type]
    assert row.word == FAILED
    assert says in (row.measured, "no smoke of this boot")


def kit(site: FakeSite) -> Kit:
    made = Kit(site, 0, 1)
    made.run()
    return made


def words(made: Kit) -> dict[str, str]:
    return {row.id: row.word for row in made.rows}


def test_all_parts_in_their_order() -> None:
    """Law: preflight, deploy, again, contract, GPU, storm, figures, doctor; and what is declared runs at the end."""
    site = FakeSite()
    made = kit(site)
    assert code_of(made.rows) == 0, made.rows
    assert [row.id for row in made.rows] == [
        "preflight-node-1", "deploy", "again", "k3s-version", *(f"k3s-{one.id}" for one in bare.ROWS),
        "gpu-node-1-0", "gpu-began", "restored", "line",
        "transfer-first", "transfer-nothing", "transfer-change", "doctor",
    ]  # fmt: skip
    assert site.presses == [(0, False), (0, False), (1, False), (0, False)]
    assert report(made, NAMED).real


def test_the_part_that_fails_hides_no_other() -> None:
    """Law: k3s that does not answer, a preflight that cannot look: the rest is tried, and the exit code is theirs."""
    site = FakeSite(broken={"preflight": StepFailed("it broke"), "relied": GONE})
    with pytest.raises(StepFailed):
        site.preflight()
    site.preflight = lambda: {"node-1": StepFailed("it broke")}  # type: ignore[method-assign]
    made = kit(site)
    assert words(made)["contract"] == FAILED
    assert words(made)["gpu-node-1-0"] == words(made)["doctor"] == OK
    assert code_of(made.rows) == 6


def test_without_a_deploy_the_rest_is_not_asked() -> None:
    """Law: what makes no sense without a store says so, the doctor is asked all the same."""
    made = kit(FakeSite(broken={"press": GONE}))
    assert words(made) == {
        "preflight-node-1": OK, "deploy": FAILED, "contract": NOT_ASKED, "gpu": NOT_ASKED, "storm": NOT_ASKED,
        "transfer": NOT_ASKED, "doctor": OK,
    }  # fmt: skip
    assert code_of(made.rows) == Exit.UNREACHABLE
    assert not report(made, NAMED).real


def test_what_began_before_its_proof_is_found_without_a_storm() -> None:
    """Law: the first deploy's own starts are judged, too; no figure without a line."""
    site = FakeSite(proof_first=False, broken={"bare_bytes": GONE})
    site.outcomes = [ready("k3s"), ready()]
    made = kit(site)
    assert words(made)["gpu-began"] == FAILED
    assert words(made)["line"] == FAILED
    assert "transfer-first" not in words(made)
    assert words(made)["doctor"] == OK


def test_the_doctor_has_the_last_word() -> None:
    """Law: a cause at the end is a failure, whatever went before."""
    made = kit(FakeSite(cause=Cause("E-GPU-01", "GPU", "it is gone")))
    assert words(made)["doctor"] == FAILED
    assert code_of(made.rows) == 5


def test_a_sandbox_is_no_acceptance_of_hardware() -> None:
    """Law: what held on a stand-in is `stood in`, the report is not real, and its last lines say so."""
    made = report(kit(FakeSite(SANDBOX, loopback=True)), NAMED)
    assert (made.exit, made.word, made.real) == (0, "passed", False)
    assert {row.word for row in made.rows if row.id == "k3s-version"} == {STOOD_IN}
    said = "\n".join(lines(made))
    assert said.startswith("store-lab: passed; stood in: machine, k3s, link.")
    assert "This is no acceptance of real hardware." in said


def test_nothing_tried_has_not_passed() -> None:
    """Law: no rows, or none that was asked, are no acceptance."""
    assert code_of(()) == 5
    assert code_of((Row("a", "storm", "", "", word=NOT_ASKED),)) == 5
