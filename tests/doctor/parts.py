"""The parts of a store that can be at fault, by one word each, and what else such a word may be called.

Owns: the closed list and its synonyms, which are filled in by meaning alone.
"""

from __future__ import annotations

PARTS = (
    "power",
    "disk",
    "memory",
    "clock",
    "host",
    "packages",
    "k3s",
    "api",
    "node",
    "images",
    "gpu-driver",
    "gpu",
    "gpu-plugin",
    "gpu-proof",
    "models",
    "secrets",
    "bus",
    "inference",
    "camera",
    "uplink",
    "sink",
    "network",
    "dns",
    "line",
    "paused",
    "other-owner",
    "trust",
    "run",
    "releases",
)

# What another word for a part means; nothing stands here because an answer would be right with it.
SYNONYMS = {
    "driver": "gpu-driver",
    "gpu-uvm": "gpu-driver",  # a module of it
    "gpu-card": "gpu",
    "k3s-binary": "k3s",
    "k3s-files": "k3s",
    "k3s-certificates": "k3s",  # its own; others have theirs
    "device-plugin": "gpu-plugin",
    "plugin": "gpu-plugin",
    "proof": "gpu-proof",
    "marker": "gpu-proof",
    "model": "models",
    "image": "images",
    "secret": "secrets",
    "mosquitto": "bus",
    "kubernetes": "api",
    "apiserver": "api",
    "kubelet": "node",
    "mqtt": "bus",
    "cameras": "camera",
    "time": "clock",
    "pause": "paused",
    "lock": "run",
    "engine": "run",
    "units": "run",
    "filesystem": "disk",
    "storage": "disk",
    "net": "network",
    "route": "network",
    "cable": "network",
    "owner": "other-owner",
    "foreign": "other-owner",
    "release": "releases",
    "coredns": "dns",
    "link": "line",
    "ssh": "line",
}

_OF_SEVERAL = ("gpu-card", "camera", "release")


def part_of(word: str) -> str:
    """Return the part that a word means; a word that means none stays as it is, and is no part.

    One of several is `KIND NAME`: `gpu-card 0` is a GPU, whichever; of `pods inference` the service is the part.
    """
    plain = word.strip().lower().replace("_", "-")
    kind, _, which = plain.partition(" ")
    if kind == "pods" and which:
        plain = which
    elif kind in _OF_SEVERAL:
        plain = kind
    plain = plain.replace(" ", "-")
    return SYNONYMS.get(plain, plain)
