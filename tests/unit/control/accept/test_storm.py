"""A storm's laws bite: nothing begins before its proof, a store that stays down is not struck again."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from edgectl.control.accept.boots import Boots
from edgectl.control.accept.row import FAILED, NOT_ASKED, OK, STOOD_IN, Row
from edgectl.control.accept.storm import KINDS, LINK, Storm, draw, has_fallen
from edgectl.wire.lab import K3S, PLUGIN, POWER, REBOOT, UVM, Began, LabLook
from tests.unit.control.accept.site import GPU, REAL, SANDBOX, FakeSite, ready


def storm(site: FakeSite, *kinds: str) -> list[Row]:
    return list(Storm(site, site.what, monotonic=site.monotonic, sleep=site.sleep).run(kinds))


def test_the_same_seed_is_the_same_storm_with_every_kind_once() -> None:
    """Law: a storm can be repeated, and six blows are six different ones."""
    assert draw(7, 6) == draw(7, 6)
    assert sorted(draw(7, 6)) == sorted(KINDS)
    assert len(draw(7, 40)) == 40
    assert draw(7, 0) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_comes_back_by_itself(kind: str) -> None:
    """Law: each blow falls once, and its row says how long it took."""
    site = FakeSite()
    (row,) = storm(site, kind)
    assert row.word == OK, row
    assert site.struck == ([] if kind == LINK else [kind])
    assert site.presses == ([(1, True)] if kind == LINK else [])


def test_what_began_before_its_proof_is_named() -> None:
    """Law: an inference that began before the GPU's proof of this boot breaks it, however well the store is."""
    (row,) = storm(FakeSite(proof_first=False), REBOOT)
    assert row.word == FAILED
    assert row.evidence == ("vision/inference began before any proof of its boot",)


def test_a_store_that_stays_down_is_not_struck_again() -> None:
    """Law: at the deadline the row fails, and the others are not asked."""
    site = FakeSite(comes_back=False)
    first, second = storm(site, K3S, REBOOT)
    assert (first.word, first.measured) == (FAILED, "not well again within 600 s")
    assert (second.word, second.why) == (NOT_ASKED, "the store has not weathered storm-1")
    assert site.struck == [K3S]


def test_a_blow_that_nobody_sees_has_not_fallen() -> None:
    """Law: a store that was never hit is not well *again*: the boot, the k3s or the plugin must be another one."""
    site = FakeSite()
    site.strike = site.struck.append  # type: ignore[assignment]
    for kind in (REBOOT, K3S, PLUGIN):
        (row,) = storm(site, kind)
        assert (row.word, row.measured) == (FAILED, f"the {kind} has not come")


def test_the_power_of_a_container_is_its_hosts() -> None:
    """Law: no power cut goes to a node that shares its kernel; a switch of its own stands in, none: not asked."""
    site = FakeSite(SANDBOX)
    (row,) = storm(site, POWER)
    assert row.word == NOT_ASKED
    assert "its host's" in row.why
    site = FakeSite(SANDBOX, has_switch=True)
    (row,) = storm(site, POWER)
    assert row.word == STOOD_IN
    assert site.struck == []
    (row,) = storm(FakeSite(SANDBOX, has_switch=True, proof_first=False), POWER)
    assert row.word == FAILED, "a law that is broken on a stand-in is broken"
    assert [row.word for row in storm(FakeSite(REAL), POWER)] == [OK]


def test_a_link_that_was_not_cut_shows_nothing() -> None:
    """Law: the run that ended is the one whose link broke, over a second connection."""
    site = FakeSite(cut_run="another")
    (row,) = storm(site, LINK)
    assert row.evidence == ("the run another was cut, and a has ended",)
    site = FakeSite(outcomes=[ready("host-files", sessions=1)])
    assert storm(site, LINK)[0].evidence == ("the link was not cut",)


def test_a_store_without_gpus() -> None:
    """Law: what needs a GPU is not asked of a store that has none."""
    site = FakeSite()
    site.store = SimpleNamespace(name="store-lab", lead=SimpleNamespace(name="node-1", gpu=None))
    assert [row.word for row in storm(site, PLUGIN, UVM, K3S)] == [NOT_ASKED, NOT_ASKED, OK]


def test_boots_keep_what_a_look_forgets() -> None:
    """Law: a look that is cut short takes nothing away, and the process's own time wins over its log file's."""
    boots, before = Boots(), LabLook("one", 1_000)
    boots.saw(before)
    rough, own = Began("a/0", "vision/a", 90, exact=False), Began("a/0", "vision/a", 300, (GPU,))
    boots.saw(LabLook("two", 400, proofs=f"100 proven {GPU}\n", began=(rough,)))
    boots.saw(LabLook("two", 500, proofs=f"100 proven {GPU}\n", began=(own,)))
    boots.saw(LabLook("two", 600))
    assert [start.wrong for start in boots.judged(before)] == [""]
    boots.saw(LabLook("two", 700, began=(replace(rough, key="b/0"),)))
    assert [start.wrong for start in boots.judged(before)] == ["before any proof of its boot", ""]


def test_what_began_before_the_blow_is_not_judged_again() -> None:
    """Law: a row is about what began after its blow."""
    boots = Boots()
    old, new = Began("a/0", "vision/a", 50), Began("b/0", "vision/b", 200)
    before = LabLook("one", 100, proofs="10 proven marker\n", began=(old,))
    boots.saw(before)
    boots.saw(LabLook("one", 300, proofs="10 proven marker\n150 withdrawn marker\n", began=(old, new)))
    assert [(start.pod, start.wrong) for start in boots.judged(before)] == [
        ("vision/b", "after its proof was withdrawn")
    ]


@pytest.mark.parametrize(
    ("kind", "now", "fallen"),
    [
        (REBOOT, LabLook("one", 2), False),
        (POWER, LabLook("two", 2), True),
        (K3S, LabLook("one", 2, k3s=""), False),
        (K3S, LabLook("one", 2, k3s="b"), True),
        (PLUGIN, LabLook("one", 2, plugin=("p",)), False),
        (PLUGIN, LabLook("one", 2, unseen="the API does not answer"), False),
        (PLUGIN, LabLook("one", 2, plugin=("q",)), True),
        (UVM, LabLook("one", 2), True),
    ],
)
def test_when_a_blow_has_fallen(kind: str, now: LabLook, *, fallen: bool) -> None:
    """Law: each is known by what it leaves behind."""
    assert has_fallen(kind, LabLook("one", 1, k3s="a", plugin=("p",)), now) is fallen
