"""The k3s of one node as files."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.inventory.store import GpuSettings, HostSettings, K3sSettings, NodeTarget, SshTarget
from edgectl.control.kubeyaml import load_all
from edgectl.control.payload.kubernetes import k3s_files


def node(
    config: dict[str, Any] | None = None,
    *,
    gpu: bool = True,
    role: str = "server",
    registries: dict[str, Any] | None = None,
) -> NodeTarget:
    return NodeTarget(
        name="node-1",
        role=role,
        address="10.77.0.11",
        ssh=SshTarget(host="127.0.0.1", port=22, user="root", host_key=""),
        host=HostSettings(free_bytes=0, files=(), sysctls={}),
        k3s=K3sSettings(version="v1.36.3+k3s1", config=config or {}, kubelet={"maxPods": 20}, registries=registries),
        gpu=GpuSettings(resource="nvidia.com/gpu", count=1, required=1, hold_seconds=3.0) if gpu else None,
    )


def texts(target: NodeTarget) -> dict[str, str]:
    return {file.path: file.text for file in k3s_files(target)}


def test_the_files_of_a_server() -> None:
    """Config, kubelet drop-in, unit and its drop-in; config.yaml is for root alone."""
    modes = {file.path: file.mode for file in k3s_files(node())}
    assert modes == {
        "/etc/rancher/k3s/config.yaml": "0600",
        "/etc/systemd/system/k3s.service": "0644",
        "/etc/systemd/system/k3s.service.d/10-edgectl.conf": "0644",
        "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/50-edgectl.conf": "0644",
    }
    assert "/etc/systemd/system/k3s-agent.service" in texts(node(role="agent"))


def test_config_is_the_inventory_s_and_what_edgectl_knows() -> None:
    """Name, address and GPU label are set; a kubeconfig is for root unless the inventory says otherwise."""
    (config,) = load_all(texts(node({"node-label": ["a=b"], "write-kubeconfig-mode": "0644"}))[CONFIG])
    assert config == {
        "node-ip": "10.77.0.11",
        "node-name": "node-1",
        "node-label": ["a=b", "nvidia.com/gpu.present=true"],
        "write-kubeconfig-mode": "0644",
    }
    (plain,) = load_all(texts(node(gpu=False))[CONFIG])
    assert plain == {"node-ip": "10.77.0.11", "node-name": "node-1", "write-kubeconfig-mode": "0600"}


def test_a_gpu_label_of_the_inventory_is_left_alone() -> None:
    """Who labels by hand knows why."""
    (config,) = load_all(texts(node({"node-label": "nvidia.com/gpu.present=false"}))[CONFIG])
    assert config["node-label"] == ["nvidia.com/gpu.present=false"]


def test_the_kubelet_gets_its_drop_in() -> None:
    """A KubeletConfiguration with the inventory's fields."""
    (kubelet,) = load_all(texts(node())["/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/50-edgectl.conf"])
    assert kubelet == {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "maxPods": 20}


def test_the_unit_is_k3s_s_own_in_what_matters() -> None:
    """Containers outlive k3s, systemd waits for its notification, it is always restarted."""
    unit = texts(node())["/etc/systemd/system/k3s.service"].splitlines()
    for line in (
        "Type=notify",
        "KillMode=process",
        "Delegate=yes",
        "Restart=always",
        "RestartSec=5s",
        "LimitNOFILE=1048576",
        "TimeoutStartSec=0",
        "ExecStart=/usr/local/bin/k3s server",
        "WantedBy=multi-user.target",
    ):
        assert line in unit
    assert not [line for line in unit if line.startswith(("After=", "Wants=", "Requires="))], "a cable that is out"


CONFIG = "/etc/rancher/k3s/config.yaml"
DROP_IN = "/etc/systemd/system/k3s.service.d/10-edgectl.conf"


def test_the_record_names_all_that_k3s_reads_at_start() -> None:
    """Absolute paths, sorted, the binary among them; registries only where they are declared."""
    line = texts(node())[DROP_IN].splitlines()[-1]
    assert "sha256sum /etc/rancher/k3s/config.yaml /usr/local/bin/k3s /var/lib/rancher/k3s/agent/etc/" in line
    with_registries = texts(node(registries={"mirrors": {}}))
    assert "/etc/rancher/k3s/registries.yaml" in with_registries
    assert "/etc/rancher/k3s/registries.yaml /usr/local/bin/k3s" in with_registries[DROP_IN]


@pytest.mark.parametrize("complete", [True, False])
def test_the_record_is_whole_or_absent(tmp_path: Path, *, complete: bool) -> None:
    """The drop-in's own command writes sha256sum's lines; where a file is missing, no old record stays."""
    command = texts(node())[DROP_IN].splitlines()[-1]
    match = re.fullmatch(r"ExecStartPre=-/bin/sh -c '(.*)'", command)
    assert match is not None
    script = re.sub(r"(?<= )/", f"{tmp_path}/", match.group(1))
    files = [
        "etc/rancher/k3s/config.yaml",
        "usr/local/bin/k3s",
        "var/lib/rancher/k3s/agent/etc/kubelet.conf.d/50-edgectl.conf",
    ]
    for name in files if complete else files[:2]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    record = tmp_path / "run" / "edgectl" / "k3s.started"
    record.parent.mkdir(parents=True)
    record.write_text("old")
    subprocess.run(["/bin/sh", "-c", script], check=False, capture_output=True, timeout=10)
    if complete:
        lines = [f"{hashlib.sha256(name.encode()).hexdigest()}  {tmp_path}/{name}\n" for name in files]
        assert record.read_text() == "".join(lines)
    else:
        assert not record.exists()
