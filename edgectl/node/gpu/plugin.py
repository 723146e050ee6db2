"""The device plugin on this node: which pods are one, and whether it speaks on its socket.

Owns the kubelet's folder of sockets, and how a plugin is told from other pods, whoever's chart it comes from.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from edgectl.node.io.look import Look

FOLDER = "var/lib/kubelet/device-plugins"
ANSWERS, SILENT, NONE = "answers", "silent", "none"
# NVIDIA's chart, its static manifest, the GPU operator.
_LABELS = (
    ("app.kubernetes.io/name", "nvidia-device-plugin"),
    ("name", "nvidia-device-plugin-ds"),
    ("app", "nvidia-device-plugin-daemonset"),
)
_OVER = frozenset({"Failed", "Succeeded"})
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(
    (0, 0, 0, 4, 0, 0, 0, 0, 0)
)  # RFC 9113, 3.4: with empty SETTINGS
_ANSWER_SECONDS = 2.0


def is_plugin(pod: dict[str, Any]) -> bool:
    """Tell whether a pod is a device plugin that has not ended: by its label, or by the kubelet's folder it mounts."""
    if pod.get("status", {}).get("phase") in _OVER:
        return False
    labels = pod.get("metadata", {}).get("labels") or {}
    volumes = pod.get("spec", {}).get("volumes") or []
    mounts = any((volume.get("hostPath") or {}).get("path", "").rstrip("/") == f"/{FOLDER}" for volume in volumes)
    return mounts or any(labels.get(key) == name for key, name in _LABELS)


def answer(read: Look) -> str:
    """Return whether a device plugin answers on one of its sockets: a stopped one takes connections, and is silent."""
    found = NONE
    for path in sockets(read):
        word = speaks(path)
        if word == ANSWERS:
            return word
        found = word if word == SILENT else found
    return found


def sockets(read: Look) -> list[Path]:
    """Return the sockets of device plugins, those that were left behind, too."""
    folder = read.places.root / FOLDER
    return sorted(path for path in folder.glob("*.sock") if path.name != "kubelet.sock")


def speaks(path: Path) -> str:
    """Say hello to a gRPC server: it answers with its own SETTINGS at once, or it is stuck."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_ANSWER_SECONDS)
        try:
            line.connect(str(path))
            line.sendall(_PREFACE)
            return ANSWERS if line.recv(1) else NONE
        except TimeoutError:
            return SILENT
        except OSError:
            return NONE  # left by one that has ended
