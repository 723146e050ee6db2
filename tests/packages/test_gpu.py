"""The GPU's packages: modules are tried before anything changes, and a driver that serves is replaced in its hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.host.packages.step import GpuPackages
from edgectl.wire.host import Reboots
from tests.packages.machine import Machine

# builds as DKMS does: in a tree of its own when it is told so, by a rule that lies beside the module's dkms.conf
DKMS = r"""#!/bin/sh
verb=$1; shift
while [ $# -gt 0 ]; do case $1 in
  -m) m=$2 ;; -v) v=$2 ;; -k) k=$2 ;; --sourcetree) s=$2 ;; --dkmstree) t=$2 ;;
esac; shift 2; done
: "${s:=$DPKG_ROOT/usr/src}" "${t:=$DPKG_ROOT/var/lib/dkms}"
[ -e "$s/$m-$v/dkms.conf" ] || { echo "Error! no dkms.conf for $m/$v" >&2; exit 2; }
[ "$t" = "$DPKG_ROOT/var/lib/dkms" ] || [ -w "$t" ] || { echo "Error! No write access to DKMS tree at $t" >&2; exit 1; }
mkdir -p "$t/$m/$v/build"
[ "$verb" = build ] || exit 0
[ -n "$k" ] || exit 9
sh "$s/$m-$v/rule" > "$t/$m/$v/build/make.log" 2>&1 || {
  echo "Error! Bad return status for module build on kernel: $k" >&2; exit 10; }
"""
CONF = 'PACKAGE_NAME="nvidia"\nPACKAGE_VERSION="{version}"\nBUILT_MODULE_NAME[0]="nvidia"\n'
BROKEN = (
    "echo make: Entering\necho 'nv.c:12: error: implicit declaration of drm_gone'\necho 'make: *** [nv.o] 1'\nexit 2"
)
NIGHT = Reboots(("mon-sun 22:00-05:00 Europe/Berlin",))
NOON, LATE = datetime(2026, 6, 1, 12, tzinfo=UTC), datetime(2026, 6, 1, 21, tzinfo=UTC)


def dkms(machine: Machine) -> None:
    """Make the builder's package."""
    machine.deb("dkms", "3", files={"usr/sbin/dkms": DKMS})


def driver(machine: Machine, version: str, *, rule: str = "echo builds") -> None:
    """Make a driver of two packages: its module's sources, built when they are configured, and its library."""
    build = f'"$DPKG_ROOT/usr/sbin/dkms" build -m nvidia -v {version} -k this'
    machine.deb(
        "nvidia-dkms",
        version,
        fields=["Depends: dkms"],
        files={
            f"usr/src/nvidia-{version}/dkms.conf": CONF.format(version=version),
            f"usr/src/nvidia-{version}/rule": rule,
        },
        scripts={"postinst": build},
    )
    machine.deb("libcuda1", version, fields=[f"Depends: nvidia-dkms (= {version})"])


def gpu(
    machine: Machine, version: str, *, reboots: Reboots = NIGHT, now: datetime = NOON, may: bool = False
) -> GpuPackages:
    """Return the step that wants a version of the driver, held."""
    packages = machine.packages(gpu=(f"nvidia-dkms={version}!", f"libcuda1={version}!"))
    return GpuPackages(packages, reboots, may_reboot=may, now=lambda: now)


def test_a_bare_node_gets_its_driver_and_its_builder(machine: Machine) -> None:
    """Missing is never a matter of hours; the builder comes first, for the trial; nothing of that is left."""
    dkms(machine)
    driver(machine, "595.91")
    machine.serves(machine.packages())
    step = gpu(machine, "595.91")
    machine.settles(step)
    assert machine.has == {"dkms": "3", "nvidia-dkms": "595.91", "libcuda1": "595.91"}
    assert machine.system.packages["libcuda1"].want == "hold"
    assert not (machine.hands.places.apt / "tried").exists()


@pytest.mark.parametrize("is_new", [True, False])
def test_a_module_that_does_not_build_changes_nothing(machine: Machine, *, is_new: bool) -> None:
    """The compiler's own line is the reason, the log's end the evidence; the driver before stays whole."""
    dkms(machine)
    driver(machine, "580.95")
    driver(machine, "595.91", rule=BROKEN)
    if not is_new:
        machine.settles(gpu(machine, "580.95"))
    (found,) = machine.converge(gpu(machine, "595.91")).steps
    assert found.status == "failed"
    assert "nvidia-dkms 595.91 does not build on this kernel" in found.reason
    assert "nv.c:12: error: implicit declaration of drm_gone" in found.reason
    assert "what was there before stays" in found.reason
    assert "make.log: make: *** [nv.o] 1" in found.evidence
    before = {} if is_new else {"nvidia-dkms": "580.95", "libcuda1": "580.95"}
    assert machine.has == {"dkms": "3", **before}
    if not is_new:
        machine.settles(gpu(machine, "580.95"))


def test_a_driver_that_serves_waits_for_its_hours(machine: Machine) -> None:
    """The store is degraded by it, and says until when; in the hours, or when the deploy insists, it goes."""
    dkms(machine)
    driver(machine, "580.95")
    driver(machine, "595.91")
    machine.settles(gpu(machine, "580.95"))
    machine.settles(gpu(machine, "595.91"))  # a store that runs nothing yet has no hours to keep
    machine.serves(machine.packages())
    seen = machine.look(gpu(machine, "580.95"))
    assert seen.status is Status.CURRENT
    assert (
        seen.absent == "nvidia-dkms 580.95 (and 1 more): waits for its hours, next Mon 22:00; until then 595.91 stays"
    )
    assert machine.look(gpu(machine, "580.95", may=True)).status is Status.DRIFTED
    machine.settles(gpu(machine, "580.95", now=LATE))
    machine.settles(gpu(machine, "595.91", reboots=Reboots()))
    assert machine.has["libcuda1"] == "595.91"


def test_without_zones_or_with_a_dead_clock_nobody_can_tell_the_hour(machine: Machine) -> None:
    """So nothing is replaced, and the reason is said."""
    dkms(machine)
    driver(machine, "580.95")
    driver(machine, "595.91")
    machine.settles(gpu(machine, "580.95"))
    machine.serves(machine.packages())
    nowhere = Reboots(("22:00-05:00 Nowhere/City",))
    assert "is the package tzdata installed?" in machine.look(gpu(machine, "595.91", reboots=nowhere)).absent
    early = datetime(1970, 1, 1, 23, tzinfo=UTC)
    assert "clock cannot be right" in machine.look(gpu(machine, "595.91", now=early)).absent


def test_a_driver_that_is_half_there_is_put_right_at_any_hour(machine: Machine) -> None:
    """A store whose driver was left half way by a power cut is not kept so until night."""
    dkms(machine)
    driver(machine, "580.95")
    driver(machine, "595.91")
    machine.settles(gpu(machine, "580.95"))
    machine.serves(machine.packages())
    machine.by_hand("--force-depends", "--unpack", "nvidia-dkms=595.91")
    machine.settles(gpu(machine, "580.95"))


def test_the_lists_do_not_touch_each_others_packages(machine: Machine) -> None:
    """Neither by a dependency nor by removal; what goes over from one to the other stays where it is."""
    machine.deb("tool", "1", fields=["Depends: libcuda1"])
    machine.deb("libcuda1", "1")
    step = machine.step("tool=1", gpu=("libcuda1=1",))
    assert "apt would change libcuda1, which is declared as the other list's" in machine.fails(step)
    machine.settles(machine.step("libcuda1=1"))
    machine.settles(machine.step(gpu=("libcuda1=1",)))
    assert machine.has == {"libcuda1": "1"}


def test_the_gpus_packages_go_with_their_declaration(machine: Machine) -> None:
    """A node whose GPU is declared no more has no such step: the system's packages take them away."""
    dkms(machine)
    driver(machine, "580.95")
    machine.settles(gpu(machine, "580.95"))
    both = machine.packages("dkms=3", gpu=("nvidia-dkms=580.95!", "libcuda1=580.95!"))
    machine.settles(replace(machine.step(), packages=both))
    machine.settles(machine.step())
    assert machine.has == {"dkms": "3"}


def test_a_held_package_that_is_declared_no_more_is_not_in_the_way(machine: Machine) -> None:
    """What depends on the old driver goes with it, although it was held."""
    dkms(machine)
    driver(machine, "580.95")
    driver(machine, "595.91")
    machine.deb("nvidia-smi", "580.95", fields=["Depends: libcuda1 (= 580.95)"])
    old = machine.packages(gpu=("nvidia-dkms=580.95!", "libcuda1=580.95!", "nvidia-smi=580.95!"))
    machine.settles(GpuPackages(old, Reboots()))
    machine.settles(gpu(machine, "595.91"))
    assert machine.has == {"dkms": "3", "nvidia-dkms": "595.91", "libcuda1": "595.91"}
