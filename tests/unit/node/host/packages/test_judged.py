"""What of the packages is not as declared: every state of one package against every declaration of it."""

from __future__ import annotations

import itertools

import pytest

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.host.packages.claims import Claim, Claims
from edgectl.node.host.packages.installed import Package as Have
from edgectl.node.host.packages.installed import System, names, parsed
from edgectl.node.host.packages.judged import Asked, Judged, differences, judge, lacking
from edgectl.wire.host import Deb, Package
from tests.unit.node.fake import FakeNode

STATES = (
    "not-installed",
    "config-files",
    "half-installed",
    "unpacked",
    "half-configured",
    "triggers-pending",
    "installed",
)
REAL = """\
install\tok\tinstalled\tapt\tamd64\t2.6.1\tapt-transport-https (= 2.6.1)
hold\tok\tinstalled\tnvidia-driver\tamd64\t535.183.01-1~deb12u1\tnvidia-driver-any, nvidia-glx-any
deinstall\tok\tconfig-files\tchrony\tamd64\t4.3-2+deb12u1\ttime-daemon
install\treinstreq\thalf-installed\tlibfoo1\ti386\t1.0\t
install\tok\tinstalled\tdpkg\tamd64\t1.21.22\t
install\tok\tinstalled\tlibfoo1\tamd64\t1.1\t
"""


def test_dpkgs_own_words_are_read() -> None:
    """Holds, leftovers, half states, virtual names; of two architectures the system's own counts."""
    found = parsed(REAL)
    assert found["nvidia-driver"].want == "hold"
    assert found["chrony"].provides == {"time-daemon"}
    assert (found["chrony"].is_there, found["chrony"].is_whole) == (False, False)
    assert (found["libfoo1"].arch, found["libfoo1"].is_whole) == ("amd64", True)
    assert System(found).version("chrony") == ""
    assert names("libc6 (>= 2.34), default-mta | mail-transport-agent, perl:any") == {
        *("libc6", "default-mta", "mail-transport-agent", "perl")
    }


@pytest.mark.parametrize("line", ["install ok\tx", "what is this"])
def test_what_is_not_understood_is_no_look(line: str) -> None:
    """Another form of dpkg's is not taken for a missing package."""
    with pytest.raises(LookFailed, match="not understood"):
        parsed(line)


def test_fine_is_exactly_the_version_whole_and_held() -> None:
    """Law: nothing else passes, and each difference is said; what is there in another version is no missing one."""
    wants, flags = ("install", "hold", "deinstall"), ("ok", "reinstreq")
    for state, version, want, flag, hold in itertools.product(STATES, ("1", "2"), wants, flags, (False, True)):
        system = System({"x": Have("x", version, "all", want, flag, state)})
        found = judge(Asked(("packages",), (Package("x", "1", hold=hold),), ()), system, {})
        is_there = state not in {"not-installed", "config-files"}
        fine = (state, version, flag) == ("installed", "1", "ok") and (want == "hold" or not hold)
        assert (found.is_fine, bool(differences(found, system))) == (fine, not fine)
        assert bool(found.missing) == (not is_there)
        assert bool(found.replaced) == (is_there and version == "2")
        assert bool(found.broken) == (is_there and (state, flag) != ("installed", "ok"))


def test_only_our_own_is_retired_freed_or_broken() -> None:
    """Ours, asked for, not there before us, not declared by the other step; and a stranger's half state is not ours."""
    claims = {
        "ours": Claim("", "packages"),
        "theirs": Claim("1", "packages"),
        "needed": Claim("", "packages", is_asked=False),
        "gpus": Claim("", "gpu-packages"),
        "over": Claim("", "packages"),
        "held": Claim("1", "packages", is_held=True),
    }
    have = {name: Have(name, "1", "all") for name in claims}
    have["held"] = Have("held", "1", "all", want="hold")
    have["half"] = Have("half", "1", "all", state="unpacked")
    have["person"] = Have("person", "1", "all", want="hold")
    asked = Asked(("packages",), (), (), others=frozenset({"over"}))
    assert judge(asked, System(have), claims) == Judged(retired=("ours",), freed=("held",))
    both = Asked(("packages", "gpu-packages"), (), ())
    assert judge(both, System(have), claims).retired == ("gpus", "ours", "over")
    have["needed"] = Have("needed", "1", "all", state="half-configured")
    assert judge(asked, System(have), claims).broken == ("needed",)


def test_why_a_package_can_never_come() -> None:
    """No such version, no such name, another machine's."""
    pool = (Deb("a", "1", "all", ""), Deb("a", "2", "arm64", ""), Deb("b", "1", "amd64", ""))
    for package, words in {
        Package("a", "1"): "",
        Package("b", "1"): "",
        Package("a", "3"): "the bundle has no a 3 (it has 1, 2)",
        Package("c", "1"): "the bundle has no c 1 (it has none of that name)",
        Package("a", "2"): "a 2 of the bundle is for arm64, this node is amd64",
    }.items():
        why = lacking([package], pool, "amd64")
        assert why.startswith(words)
        assert bool(why) == bool(words)


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', "{", '{"x": {"was": 1}}'])
def test_a_list_that_cannot_be_read_makes_nothing_ours(node: FakeNode, text: str) -> None:
    """Better to leave packages lying than to remove a stranger's."""
    node.write(node.places.owned / "packages.json", text)
    assert Claims(node).all() == {}


def test_what_was_there_first_stays_known(node: FakeNode) -> None:
    """However often it is claimed anew, and by whom."""
    claims = Claims(node)
    claims.add(node, "packages", {"x": "", "lib": ""}, frozenset({"x"}))
    claims.add(node, "gpu-packages", {"x": "1", "lib": "1"}, frozenset({"lib"}))
    claims.hold(node, "packages", {"x": True}, {"x": "1"})
    assert claims.all() == {"x": Claim("", "packages", is_held=True), "lib": Claim("", "gpu-packages")}
    claims.forget(node, ["lib"], ["x"])
    assert claims.all() == {"x": Claim("", "packages", is_asked=False, is_held=True)}
