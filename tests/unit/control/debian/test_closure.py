"""Which packages come along: all that is needed of what is at hand, in versions that suit all, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.control.debian.closure import closure, newest
from edgectl.control.debian.control import Control, Relation, order, parse

RISING = (
    *("0~rc1", "0", "0+b1", "1.0~~", "1.0~", "1.0~rc1", "1.0", "1.0-1~deb12u1", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.9"),
    *("1.10", "1.10a", "10", "1:0.1", "2:0", "10:0"),
)


def pkg(name: str, version: str = "1", needs: str = "", provides: str = "") -> Control:
    """Return a package by the words of its control file."""
    return parse(f"Package: {name}\nVersion: {version}\nArchitecture: all\nDepends: {needs}\nProvides: {provides}\n")


def names(found: tuple[Control, ...]) -> list[str]:
    return [f"{one.name} {one.version}" for one in found]


def test_versions_are_in_debian_s_order() -> None:
    """Tildes before nothing, numbers as numbers, an epoch before all (deb-version(7)). Seeded: `natural` of bundles."""
    assert sorted(sorted(RISING), key=order) == list(RISING)
    found = newest(pkg("aa", version) for version in ("1.0~rc1-1", "1.0-1", "0:1.0-1+b1", "1:0.5"))
    assert found is not None
    assert found.version == "1:0.5"


@pytest.mark.parametrize("op", ["", "<<", "<=", "=", ">=", ">>"])
@pytest.mark.parametrize("first", RISING)
def test_a_relation_holds_as_its_sign_says(op: str, first: str) -> None:
    """Each sign against each place in the order."""
    for place, version in enumerate(RISING):
        apart = place - RISING.index(first)
        expected = {"": True, "<<": apart < 0, "<=": apart <= 0, "=": apart == 0, ">=": apart >= 0, ">>": apart > 0}
        assert Relation("aa", op, first).holds(version) is expected[op]


def test_only_what_is_needed_comes() -> None:
    """Needs of needs, each once; what nobody needs stays; what is not at hand is the node's own."""
    jq, lib = pkg("jq", needs="libjq1, libc6 (>= 2.34)"), pkg("libjq1", needs="libonig5, jq")
    hand = [jq, lib, pkg("libonig5"), pkg("figlet", needs="libc6")]
    assert names(closure([jq], hand)) == ["jq 1", "libjq1 1", "libonig5 1"]


def test_one_version_suits_all_that_ask() -> None:
    """Law: of several versions the newest that all accept; the wanted one in its very version.

    Seeded: the newest for each relation alone, so that apt on the node finds a candidate that one of them refuses.
    """
    first, other = pkg("aa", needs="lib (>= 1)"), pkg("bb", needs="lib (= 1.5)")
    libs = [pkg("lib", version) for version in ("1", "1.5", "2")]
    assert names(closure([first], [first, *libs])) == ["aa 1", "lib 2"]
    assert names(closure([first, other], [first, other, *libs])) == ["aa 1", "bb 1", "lib 1.5"]
    assert names(closure([first, libs[0]], [first, *libs])) == ["aa 1", "lib 1"]


def test_what_only_the_version_not_taken_needs_stays() -> None:
    """Law: a version that loses does not leave its own needs behind."""
    first, other = pkg("aa", needs="lib"), pkg("bb", needs="lib (<< 2)")
    hand = [first, other, pkg("lib", "1"), pkg("lib", "2", needs="more"), pkg("more")]
    assert names(closure([first, other], hand)) == ["aa 1", "bb 1", "lib 1"]


def test_versions_that_cannot_agree_both_come() -> None:
    """Which one is right, the node's apt says; nothing is left out silently."""
    first, other = pkg("aa", needs="lib (= 1)"), pkg("bb", needs="lib (= 2)")
    found = closure([first, other], [first, other, pkg("lib", "1"), pkg("lib", "2")])
    assert names(found) == ["aa 1", "bb 1", "lib 1", "lib 2"]


def test_what_a_version_itself_brings_is_asked_too() -> None:
    """A version that suits all others, and not what it needs itself, does not stand alone."""
    first, other = pkg("aa", needs="lib"), pkg("bb", needs="lib (<= 2)")
    hand = [first, other, pkg("lib", "3"), pkg("lib", "2", needs="odd"), pkg("odd", needs="lib (>= 3)")]
    assert names(closure([first, other], hand)) == ["aa 1", "bb 1", "lib 2", "lib 3", "odd 1"]


def test_alternatives_and_what_stands_for_another() -> None:
    """All alternatives that are at hand; stand-ins where no package of that name fits, with a version by theirs."""
    one = pkg("aa", needs="xx | yy, mail (>= 2), awk")
    hand = [one, pkg("yy"), pkg("mta", provides="mail (= 3)"), pkg("old", provides="mail (= 1)")]
    hand += [pkg("plain", provides="mail"), pkg("mawk", provides="awk"), pkg("gawk", provides="awk")]
    assert names(closure([one], hand)) == ["aa 1", "gawk 1", "mawk 1", "mta 1", "yy 1"]
    assert names(closure([one], [*hand, pkg("awk")])) == ["aa 1", "awk 1", "mta 1", "yy 1"]


_NAMES, _SIGNS = st.sampled_from(["aa", "bb", "cc", "dd"]), st.sampled_from(["<=", "=", ">="])
_NEEDS = st.builds(lambda name, sign, version: f"{name} ({sign} {version})", _NAMES, _SIGNS, st.integers(1, 3))
_PACKAGES = st.builds(
    lambda name, version, needs: pkg(name, str(version), ", ".join(needs)),
    _NAMES,
    st.integers(1, 3),
    st.lists(_NEEDS, max_size=3),
)


@given(hand=st.lists(_PACKAGES, min_size=1, max_size=12, unique_by=lambda one: (one.name, one.version)), data=st.data())
def test_what_can_be_met_is_met_in_whatever_order(hand: list[Control], data: st.DataObject) -> None:
    """Law: it ends, holds the wanted and, for each need that something at hand meets, something that meets it."""
    wanted = data.draw(st.lists(st.sampled_from(hand), min_size=1, max_size=2, unique_by=lambda one: one.name))
    found = closure(wanted, hand)
    assert set(wanted) <= set(found) <= set(hand)
    assert closure(wanted, data.draw(st.permutations(hand))) == found
    meant = {one.name for one in wanted}
    for relation in (group[0] for one in found for group in one.needs if group[0].name not in meant):
        if any(other.name == relation.name and relation.holds(other.version) for other in hand):
            assert any(other.name == relation.name and relation.holds(other.version) for other in found)
