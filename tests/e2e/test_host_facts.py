"""Units, modules, time and log limits of a real node: as declared, once, and as before when declared no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Clones, Shop
from tests.e2e.declared import DROP_IN, NOBODY, facts, prepare
from tests.e2e.node import Node

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

DEGRADED = 9
UNITS = ("chrony.service", "dpkg-db-backup.timer", "systemd-journald.service")
FILES = (
    DROP_IN,
    "/etc/chrony/sources.d/edgectl.sources",
    "/etc/systemd/timesyncd.conf.d/90-edgectl.conf",
    "/etc/systemd/journald.conf.d/90-edgectl.conf",
    "/etc/modules-load.d/edgectl.conf",
)


@pytest.fixture
def own(clones: Clones) -> Iterator[Shop]:
    """Yield a store of its own: its host is no other test's."""
    clones.drop()
    shop = clones.take()
    prepare(shop.node)
    yield shop
    clones.drop()


def test_declared_facts_hold_and_go(own: Shop) -> None:
    """Law: applied once with one reload; a no-op touches nothing; a kill in between is repaired; all is put back."""
    node, operator = own.node, own.operator.with_(change=facts)
    before, reloads = _states(node), _reloads(node)
    first = operator.run("deploy", "-o", "json", "-v", code=DEGRADED)
    first.has("the clock is not synchronised (no server answers: 10.77.0.9)")
    assert f"server {NOBODY} iburst" in node.sh("cat /etc/chrony/sources.d/edgectl.sources")
    assert NOBODY in node.sh("chronyc -n sources"), "chrony was restarted with what lies there"
    assert _states(node) == [["active", "enabled"], ["active", "enabled"], ["active", "static"]]
    assert node.sh("systemctl is-enabled systemd-pstore.service", check=False) == "masked"
    assert _reloads(node) == reloads + 1

    pids, steady = _pids(node), node.steady()
    again = operator.deploy(code=DEGRADED)
    assert (again["changed"], again["blob_bytes"]) == ([], 0)
    assert again["link_bytes"] <= 16 << 10
    assert (_pids(node), node.steady()) == (pids, steady), "a no-op restarts and reloads nothing"

    # Killed between the file and the restart: the next run, whoever's, does the rest.
    mark = "/run/edgectl/units/systemd-journald.service"
    node.sh(f"systemctl stop edgectl-heal.timer; sed -i s/65536/99999/ {FILES[3]}; touch {mark}")
    healed = node.heal()
    assert {"host-files", "services"} <= set(healed["changed"])
    assert node.sh(f"ls {mark} 2>/dev/null; cat {FILES[3]}") == "[Journal]\nSystemMaxUse=65536K"
    assert _pids(node)[0] == pids[0], "who does not read it is left alone"
    assert _pids(node)[1] != pids[1]

    # Stopped and unmasked by hand: back with the next run.
    node.sh("systemctl start edgectl-heal.timer; systemctl unmask systemd-pstore.service; systemctl stop chrony")
    assert node.heal()["changed"] == ["services"]
    assert node.sh("systemctl is-enabled systemd-pstore.service", check=False) == "masked"

    own.operator.deploy()
    assert [path for path in FILES if node.sh(f"ls {path} 2>/dev/null", check=False)] == []
    assert _states(node) == before, "as it was before us"


def test_what_is_not_there_and_what_does_not_start_are_named(own: Shop) -> None:
    """Law: the deploy is turned down with the unit's own words, and what ran before runs on."""

    def nosuch(doc: dict[str, object]) -> None:
        doc["defaults"]["host"]["services"] = {"nosuch.service": "enabled"}  # type: ignore[index]

    def broken(doc: dict[str, object]) -> None:
        host = doc["defaults"]["host"]  # type: ignore[index]
        host["services"] = {"till.service": "enabled"}
        text = "[Service]\nExecStart=/bin/false\nType=exec\n\n[Install]\nWantedBy=multi-user.target\n"
        host["files"] = [{"path": "/etc/systemd/system/till.service", "text": text}]

    said = own.operator.with_(change=nosuch).run("deploy", code=6)
    said.has("this node has no unit nosuch.service: put the package that brings it into host.packages")
    own.operator.with_(change=broken).run("deploy", code=6).has("till.service")
    shown = own.node.sh(
        "systemctl show -P LoadState till.service; ls /etc/systemd/system/*.wants/till.service", check=False
    )
    assert shown == "not-found"
    assert own.node.answers() == ""
    assert own.operator.deploy()["changed"] == []


def _states(node: Node) -> list[list[str]]:
    shown = (node.sh(f"systemctl show {unit} -P ActiveState -P UnitFileState") for unit in UNITS)
    return [one.split() for one in shown]


def _pids(node: Node) -> list[str]:
    return [node.sh(f"systemctl show -P MainPID {unit}") for unit in ("chrony.service", "systemd-journald.service")]


def _reloads(node: Node) -> int:
    return int(node.sh("journalctl -q -o cat _PID=1 | grep -c '^Reloading' || true"))
