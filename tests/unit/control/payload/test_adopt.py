"""Hand edits become inventory lines: only those that the chart, rendered anew, confirms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from edgectl.control.inventory.store import HostFile, ReleaseSettings, Store
from edgectl.control.payload.adopt import Charts, adopt

DEFAULTS = {"replicas": 1, "port": 1, "image": "app:1", "debug": False, "resources": {"cpu": "100m"}}


def render(release: ReleaseSettings, values: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Stand for a chart with one Deployment and one Service."""
    found = {**DEFAULTS, **values}
    container = {"name": "app", "image": found["image"], "resources": {"cpu": found["resources"]["cpu"]}}
    spec = {"replicas": found["replicas"], "template": {"spec": {"containers": [container]}}}
    deployment = {"kind": "Deployment", "metadata": {"name": release.name}, "spec": spec}
    service = {"kind": "Service", "metadata": {"name": release.name}, "spec": {"port": found["port"]}}
    return deployment, service


class _Node:
    host = type("Host", (), {"files": (HostFile("/etc/motd", "declared", "0644"), HostFile("/etc/b", "b", "0600"))})


def store(values: dict[str, Any] | None = None) -> Store:
    """Return a store with one release and two files."""

    class Fake:
        releases = (ReleaseSettings("app", "app", "app", values or {}, (), 60),)

        def node(self) -> type[_Node]:
            return _Node

    return cast("Store", Fake())


CHARTS = Charts(lambda _: DEFAULTS, render)


def event(step: str, *differences: tuple[str, str, str]) -> dict[str, Any]:
    """Return what a status says."""
    return {"step": step, "word": "drifted", "differences": list(differences)}


def values(patch: dict[str, Any]) -> Any:
    """Return the proposed values."""
    return patch["releases"]["app"]["values"]


def test_a_scaled_deployment_is_its_replicas() -> None:
    """Of two values with the same text, the one that gives this field; as a number."""
    patch, left = adopt(store(), [event("release-app", ("Deployment/app spec.replicas", "3", "1"))], {}, CHARTS)
    assert values(patch) == {"replicas": 3}
    assert left == []


def test_a_field_of_a_container_is_found_by_its_name() -> None:
    """Through lists, into nested values, also over a value that the inventory sets."""
    path = "Deployment/app spec.template.spec.containers[app]"
    rows = ((f"{path}.image", "app:2", "mine:1"), (f"{path}.resources.cpu", "1", "100m"))
    patch, left = adopt(store({"image": "mine:1"}), [event("release-app", *rows)], {}, CHARTS)
    assert values(patch) == {"image": "app:2", "resources": {"cpu": "1"}}
    assert left == []


def test_what_no_value_gives_is_left_with_a_reason() -> None:
    """Something added, something gone, a value of a type that does not fit, another object's field."""
    rows = (
        ("Deployment/app spec.template.spec.containers[spy]", "added", "none"),
        ("Service/app", "missing", "present"),
        ("Deployment/app spec.replicas", "many", "1"),
        ("Deployment/other spec.replicas", "2", "1"),
        ("Deployment/app spec.strategy.type", "RollingUpdate", "Recreate"),
    )
    patch, left = adopt(store(), [event("release-app", *rows)], {}, CHARTS)
    assert patch == {}
    assert [item.field for item in left] == [row[0] for row in rows]
    assert {item.why for item in left} == {"no value of the chart gives it"}


def test_files_and_kernel_settings() -> None:
    """A list of the inventory is replaced whole; a file that was told to nobody, or is gone, is left."""
    events = [
        event("host-files", ("/etc/motd", "by hand", "declared"), ("/etc/b", "another text", "the declared one")),
        event("sysctls", ("vm.swappiness", "10", "60"), ("net.gone", "missing", "1")),
        event("k3s", ("/etc/rancher/k3s/config.yaml", "a", "b")),
    ]
    patch, left = adopt(store(), events, {"/etc/motd": "by hand\n"}, CHARTS)
    assert patch["host"]["files"] == [
        {"path": "/etc/motd", "text": "by hand\n", "mode": "0644"},
        {"path": "/etc/b", "text": "b", "mode": "0600"},
    ]
    assert patch["host"]["sysctls"] == {"vm.swappiness": "10"}
    assert [item.field for item in left] == ["/etc/b", "net.gone", "/etc/rancher/k3s/config.yaml"]


def test_what_is_as_declared_proposes_nothing() -> None:
    """A status without drift."""
    assert adopt(store(), [{"step": "release-app", "word": "ok"}], {}, CHARTS) == ({}, [])
