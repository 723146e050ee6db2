"""What is an alert and what a metric: from a node's own word, by this machine's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from edgectl.control.collect.alerting import Kept, Look, Memory, merged
from edgectl.control.collect.textfile import metrics
from edgectl.control.collect.watched import Alert, Stand, alerts

NOW = 1795888776.0
BEAT = {"word": "ready", "runs": 7, "gpu": 1, "gpus": 1, "disk": 43, "cert": 300, "at": 12}
LOOKED = Look("/eu.yaml", {"store-042", "store-7"}, {"store-042/node-1"})


def stand(*, ago: float = 60.0, deploy: dict[str, Any] | None = None, unreached: str = "", **beat: Any) -> Stand:
    """Return a node whose newest beat came so long ago."""
    got = datetime.fromtimestamp(NOW - ago, UTC).isoformat(timespec="seconds")
    return Stand("store-042", "node-1", {**BEAT, **beat, "got": got}, deploy or {}, unreached)


def names(one: Stand) -> list[str]:
    """Return the names of a node's alerts."""
    return [alert.name for alert in alerts(one, NOW)]


ALL = ["EdgectlSilence", "EdgectlNotReady", "EdgectlRejected", "EdgectlCertificate", "EdgectlDisk"]
REJECTED = {"kind": "deploy", "sequence": 8, "returned": {"word": "ready"}, "word": "not ready", "reason": "gpu: gone"}


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (stand(), []),
        (stand(word="interrupted"), []),
        (stand(word="paused", disk=84, cert=30), []),
        (stand(ago=3700), ["EdgectlSilence"]),
        (stand(ago=3500, unreached="did not answer"), []),
        (stand(word="degraded", why="node-2"), ["EdgectlDegraded"]),
        (stand(word="not ready", why="gpu"), ["EdgectlNotReady"]),
        (stand(word="of a newer engine"), ["EdgectlNotReady"]),
        (stand(deploy=REJECTED), ["EdgectlRejected"]),
        (stand(deploy=REJECTED, runs=9), []),
        (stand(deploy={**REJECTED, "returned": None, "promoted": True}), []),
        (stand(deploy={**REJECTED, "word": "interrupted"}), []),
        (stand(cert=29), ["EdgectlCertificate"]),
        (stand(cert=0), ["EdgectlCertificate"]),
        (stand(cert=-1), []),
        (stand(disk=85), ["EdgectlDisk"]),
        (stand(disk="85"), []),
        (Stand("store-042", "node-1", unreached="did not answer"), []),
        (stand(ago=9000, word="not ready", cert=3, disk=99, deploy=REJECTED), ALL),
    ],
)  # fmt: skip
def test_what_is_an_alert(one: Stand, wanted: list[str]) -> None:
    """Silence, degraded, not ready, rejected, certificate, disk; and nothing of a node that is well."""
    assert names(one) == wanted


def test_a_nodes_clock_makes_no_silence() -> None:
    """Law: `at` is the node's own clock, and is not believed. Seeded: an age by `at`."""
    assert names(stand(at=0)) == []
    assert stand(at=10**10).age(NOW) == 60.0


def test_silence_says_why() -> None:
    """A node that cannot be asked, and one that answers and has nothing new to say, are two things."""
    (gone,), (dead,) = alerts(stand(ago=7200, unreached="no route"), NOW), alerts(stand(ago=7300), NOW)
    assert gone.summary == "store-042/node-1 has told nothing for 2 h: no route"
    assert "its engine runs no more" in dead.summary


def test_metrics_are_read_by_prometheus() -> None:
    """Its own parser takes them: every family with help and type, labels of the inventory alone."""
    hostile = Stand('s"\\\n', "n", {**stand().beat, "word": '"} 1\nevil 1', "disk": "x"})
    found = {one.name: one for one in parsed(metrics([stand(), hostile, Stand("s3", "n")], NOW))}
    assert set(found) == {
        *("edgectl_node_asked", "edgectl_node_word", "edgectl_node_beat_age_seconds", "edgectl_node_sequence"),
        *("edgectl_node_rejected_sequence", "edgectl_node_certificate_days", "edgectl_node_disk_used_ratio"),
        *("edgectl_node_gpus_declared", "edgectl_node_gpus_ready", "edgectl_collect_timestamp_seconds"),
    }
    first = {"store": "store-042", "node": "node-1"}
    value = {
        name: next(sample.value for sample in one.samples if sample.labels == first or not sample.labels)
        for name, one in found.items()
        if name != "edgectl_node_word"
    }
    assert value["edgectl_node_beat_age_seconds"] == 60
    assert value["edgectl_node_certificate_days"] == 300
    assert value["edgectl_node_disk_used_ratio"] == 0.43
    assert value["edgectl_node_sequence"] == 7
    assert value["edgectl_collect_timestamp_seconds"] == NOW
    words = [s for s in found["edgectl_node_word"].samples if s.value]
    assert [(s.labels["store"], s.labels["word"]) for s in words] == [("store-042", "ready"), ('s"\\\n', "unknown")]


def test_what_a_receiver_is_told_of() -> None:
    """New, worse, over: told. The same again, or a store that was not asked now: not. Seeded: no `looked`."""
    one = Alert("EdgectlDisk", "store-042", "node-1", "warning", "87 %", "")
    memory = merged(Memory({}), [one], LOOKED, 1.0)
    kept = memory.alerts[one.key]
    assert (kept.starts, kept.ends, kept.told) == (1.0, 0.0, False)
    assert merged(memory, [], LOOKED, 2.0) == Memory({}), "it came and went while nobody could be told"
    memory = Memory({one.key: Kept(one, 1.0, told=True, inventory="/eu.yaml")})
    fuller = type(one)(one.name, one.store, one.node, "warning", "88 %", "")
    assert merged(memory, [fuller], LOOKED, 2.0).alerts[one.key].told is True
    worse = type(one)(one.name, one.store, one.node, "critical", "99 %", "")
    both = merged(memory, [worse], LOOKED, 2.0).alerts
    assert both[worse.key].told is False
    assert both[one.key].ends == 2.0, "its labels say how bad it is: the other one is over"
    assert merged(memory, [], Look("/eu.yaml", LOOKED.stores, {"store-7/node-1"}), 2.0) == memory
    over = merged(memory, [], LOOKED, 2.0)
    assert (over.alerts[one.key].ends, over.alerts[one.key].told) == (2.0, False)
    assert merged(over, [], LOOKED, 3.0) == over, "it waits until it is told"
    again = merged(over, [one], LOOKED, 3.0).alerts[one.key]
    assert (again.starts, again.ends, again.told) == (1.0, 0.0, False)


@pytest.mark.parametrize(
    ("held", "look", "over"),
    [
        ("/eu.yaml", Look("/eu.yaml", {"store-7"}, {"store-7/node-1"}), True),  # the store has left
        ("/eu.yaml", Look("/eu.yaml", {"store-042"}, {"store-042/node-2"}), True),  # the node has left
        ("/eu.yaml", Look("/eu.yaml", {"store-7", "store-042"}, {"store-7/node-1"}), False),  # not asked this time
        ("/eu.yaml", Look("/us.yaml", {"store-7"}, {"store-7/node-1"}), False),  # another inventory has it
        ("/eu.yaml", Look("/us.yaml", {"store-042"}, {"store-042/node-2"}), False),
        ("", Look("/us.yaml", {"store-7"}, {"store-7/node-1"}), True),  # nobody's: noted before it was known whose
    ],
)
def test_what_has_left_its_inventory_is_over(held: str, look: Look, *, over: bool) -> None:
    """Law: its inventory ends it, since nobody can ask it any more, and no other does. Seeded: asked nodes alone."""
    one = Alert("EdgectlDegraded", "store-042", "node-1", "warning", "", "")
    memory = Memory({one.key: Kept(one, 1.0, told=True, inventory=held)})
    after = merged(memory, [], look, 2.0)
    assert after == (Memory({one.key: Kept(one, 1.0, 2.0, inventory=held)}) if over else memory)


def test_a_certificate_that_ends_names_its_node_and_what_happens_by_itself() -> None:
    """Law: nobody is sent to another node's k3s, or to a unit that is not there, before they know that it renews."""
    (one,) = alerts(stand(cert=9), NOW)
    assert one.todo.index("by itself") < one.todo.index("edgectl deploy store-042 --reboot-now")
    assert one.todo.endswith("at node-1: systemctl restart k3s (k3s-agent where it is no server)")
