"""The kubeconfig of a tunnel: its owner's alone, and nobody else's file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from edgectl.control.link.secret import Secret
from edgectl.control.tunnel import kubeconfig
from edgectl.control.tunnel.access import Access
from edgectl.wire.errors import InvalidInput

ACCESS = Access(
    name="edgectl-reader-0",
    token=Secret("very-secret"),
    until="2026-11-28T12:00:00Z",
    ca="-----BEGIN CERTIFICATE-----\n",
    port=6443,
    server_name="kubernetes",
)


def test_programs_read_it_and_others_do_not(tmp_path: Path) -> None:
    """0600 from the first byte; the CA of the cluster, the name that its certificate has; TLS is never waived."""
    path = tmp_path / "state" / "store-042.yaml"
    kubeconfig.write(path, kubeconfig.text("store-042", ACCESS, 16443))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = yaml.safe_load(path.read_text())
    cluster = found["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:16443"
    assert cluster["tls-server-name"] == "kubernetes"
    assert set(cluster) == {"server", "tls-server-name", "certificate-authority-data"}
    assert found["users"][0]["user"] == {"token": "very-secret"}
    assert "very-secret" not in repr(ACCESS)
    kubeconfig.write(path, kubeconfig.text("store-042", ACCESS, 16444))
    kubeconfig.remove(path)
    assert not path.exists()
    kubeconfig.remove(path)


def test_somebody_elses_file_stays(tmp_path: Path) -> None:
    """A kubeconfig that a person has is neither written over nor removed. Seeded fault: leave out the check."""
    path = tmp_path / "config"
    path.write_text("apiVersion: v1\n")
    with pytest.raises(InvalidInput, match="left alone"):
        kubeconfig.write(path, kubeconfig.text("store-042", ACCESS, 1))
    kubeconfig.remove(path)
    assert path.read_text() == "apiVersion: v1\n"
    with pytest.raises(InvalidInput):
        kubeconfig.write(tmp_path, "")


def test_each_tunnel_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the state folder, never in ~/.kube."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert kubeconfig.usual("store-042", 1) == tmp_path / "edgectl/tunnels/store-042-1.yaml"
    assert kubeconfig.usual("store-042", 1) != kubeconfig.usual("store-042", 2)
