"""k3s on a bare node, put there as its install script would: binary, configuration, unit, images.

Owns the base configuration that every row starts from, and the way back to it. Must not know the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.contract.node import Node

DATA = "/var/lib/rancher/k3s"
CONFIG = "/etc/rancher/k3s/config.yaml"
PASSWORD = "contract-password"  # noqa: S105 - of a cluster that lives for minutes
MAX_PODS = 77

# As install.sh writes it (k3s-io/k3s, install.sh, create_systemd_service_file).
_UNIT = """[Unit]
Description=Lightweight Kubernetes
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
EnvironmentFile=-/etc/systemd/system/{unit}.env
KillMode=process
Delegate=yes
User=root
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s {role}
"""
# What a host with cgroup v1 needs (Kubernetes 1.35 and later), and one setting of our own to be seen.
_KUBELET = f"""apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
maxPods: {MAX_PODS}
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """A server, an agent that has not joined, and what is put on them."""

    server: Node
    agent: Node
    k3s: Path
    images: tuple[Path, ...]

    @property
    def config(self) -> str:
        """Return the server's base configuration."""
        return "\n".join(
            (
                'write-kubeconfig-mode: "0640"',
                f"node-ip: {self.server.address}",
                f"tls-san: [{self.server.address}, store.example]",
                "disable: [traefik, servicelb, metrics-server, local-storage]",
                "node-label: [edge.example/store=s001]",
                f"token: {PASSWORD}",
                "",
            )
        )

    def agent_config(self, token: str) -> str:
        """Return the configuration of an agent that joins with this token."""
        return f"node-ip: {self.agent.address}\nserver: https://{self.server.address}:6443\ntoken: {token}\n"

    def install(self, node: Node, *, role: str, config: str) -> str:
        """Put k3s on a bare node; returns the unit's name. It is not started."""
        unit = "k3s.service" if role == "server" else "k3s-agent.service"
        node.put("/usr/local/bin/k3s", self.k3s, "0755")
        node.put(CONFIG, config, "0600")
        node.put(f"{DATA}/agent/etc/kubelet.conf.d/10-contract.conf", _KUBELET)
        for image in self.images:
            node.put(f"{DATA}/agent/images/{image.parent.name}.tar", image)
        node.put(f"/etc/systemd/system/{unit}", _UNIT.format(unit=unit, role=role))
        node.sh("systemctl daemon-reload")
        return unit

    def restart(self, node: Node | None = None, unit: str = "k3s.service") -> None:
        """Restart k3s and wait until the unit says that it is ready."""
        (node or self.server).sh(f"systemctl restart {unit}", limit_seconds=180)

    def log(self, since: str) -> str:
        """Return what k3s has said since a cursor that `cursor` gave."""
        return self.server.sh(f"journalctl -u k3s --no-pager -o cat --after-cursor='{since}'").out

    def cursor(self) -> str:
        """Return the place in the journal where k3s's log ends now."""
        out = self.server.sh("journalctl -u k3s -n 1 -o cat --show-cursor --no-pager").out
        return out.rsplit("-- cursor: ", 1)[1].strip()

    @contextmanager
    def file(self, path: str, text: str) -> Iterator[None]:
        """Put a file on the server for a while; what was there before comes back, and k3s starts again."""
        before = self.server.read(path) if self.server.exists(path) else None
        self.server.put(path, text, "0600")
        try:
            yield
        finally:
            if before is None:
                self.server.sh(f"rm -f {path}")
            else:
                self.server.put(path, before, "0600")
            self.server.sh("systemctl reset-failed k3s.service", check=False)
            self.restart()
