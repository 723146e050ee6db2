"""Image names in their full form, and where manifests name them."""

from __future__ import annotations

import pytest

from edgectl.control.payload.images import full_name, host_of, named_in, repository


@pytest.mark.parametrize(
    ("ref", "full", "host", "path"),
    [
        ("busybox", "docker.io/library/busybox:latest", "docker.io", "library/busybox"),
        ("rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-pause:3.6", "docker.io", "rancher/mirrored-pause"),
        ("index.docker.io/a/b:1", "docker.io/a/b:1", "docker.io", "a/b"),
        ("edgectl.local/gate:abc", "edgectl.local/gate:abc", "edgectl.local", "gate"),
        ("localhost:5000/x", "localhost:5000/x:latest", "localhost:5000", "x"),
        (
            "nvcr.io/nvidia/k8s-device-plugin:v1",
            "nvcr.io/nvidia/k8s-device-plugin:v1",
            "nvcr.io",
            "nvidia/k8s-device-plugin",
        ),
        ("a/b@sha256:00", "docker.io/a/b@sha256:00", "docker.io", "a/b"),
        ("a/b:1@sha256:00", "docker.io/a/b:1@sha256:00", "docker.io", "a/b"),
    ],
)
def test_names(ref: str, full: str, host: str, path: str) -> None:
    """Two spellings of one image are one image, as for containerd."""
    assert full_name(ref) == full_name(full) == full
    assert host_of(ref) == host
    assert repository(ref) == path


def test_every_container_of_every_kind_is_found() -> None:
    """Init containers, cron jobs, lists and image volumes: whatever will need an image names it somewhere there."""
    pod = {
        "initContainers": [{"name": "i", "image": "init"}],
        "containers": [{"name": "c", "image": "main"}, {"name": "none"}],
        "volumes": [{"name": "m", "image": {"reference": "model:1"}}, {"name": "e", "emptyDir": {}}],
    }
    cron = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}
    other = {"kind": "ConfigMap", "data": {"image": "no-image"}}
    assert sorted(named_in([{"kind": "List", "items": [cron, other]}])) == ["init", "main", "model:1"]
