"""The device plugin on this node: which pods are one, and whether it speaks on its socket.

Owns the kubelet's folder of sockets, and how a plugin is told from other pods, whoever's chart it comes from.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgectl.node.gpu.counted import is_cuda
from edgectl.node.io.look import Look
from edgectl.wire.payload import Gpu

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


def plugins_of(pods: Iterable[dict[str, Any]]) -> frozenset[str]:
    """Return the UIDs of the GPUs' device plugins: by their labels, else by the kubelet's folder that they mount.

    Others mount it, too (KubeVirt, network cards): they are not touched where a plugin is known by its label.
    """
    running = [pod for pod in pods if pod.get("status", {}).get("phase") not in _OVER]
    found = [pod for pod in running if _is_labelled(pod)] or [pod for pod in running if _mounts(pod)]
    return frozenset(str(pod.get("metadata", {}).get("uid", "")) for pod in found)


def _is_labelled(pod: dict[str, Any]) -> bool:
    labels = pod.get("metadata", {}).get("labels") or {}
    return any(labels.get(key) == name for key, name in _LABELS)


def _mounts(pod: dict[str, Any]) -> bool:
    volumes = pod.get("spec", {}).get("volumes") or []
    return any((volume.get("hostPath") or {}).get("path", "").rstrip("/") == f"/{FOLDER}" for volume in volumes)


def answer(read: Look, gpu: Gpu) -> str:
    """Return whether the device plugin answers on its socket: a stopped one takes connections, and is silent."""
    found = NONE
    for path in sockets(read, gpu):
        word = speaks(path)
        if word == ANSWERS:
            return word
        found = word if word == SILENT else found
    return found


def sockets(read: Look, gpu: Gpu) -> list[Path]:
    """Return the sockets of the GPUs' plugins, those that were left behind, too.

    NVIDIA's are nvidia-<resource>.sock (k8s-device-plugin, internal/plugin/server.go); of others any may be it.
    """
    pattern = "nvidia-*.sock" if is_cuda(gpu) else "*.sock"
    return sorted(path for path in (read.places.root / FOLDER).glob(pattern) if path.name != "kubelet.sock")


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
