"""What rests on what: the parts of a node, the most fundamental first, and what each needs to be well.

Owns: this graph, as data. A part of several (a card, a release) is `KIND NAME` and stands where its kind does.
Must not know how a part is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """A kind of part: its name for machines, its title for people, what it rests on."""

    name: str
    title: str
    rests: tuple[str, ...] = ()


PARTS = (
    Part("power", "power"),
    Part("machine", "machine", ("power",)),
    Part("system", "system", ("power",)),
    Part("memory", "memory", ("power",)),
    Part("disk", "disk", ("power",)),
    Part("clock", "clock", ("power",)),
    Part("network", "network", ("power",)),
    Part("packages", "packages", ("disk", "system")),
    Part("units", "edgectl's units", ("disk", "system")),
    Part("deployed", "what it should be", ("disk",)),
    Part("trust", "trust", ("disk",)),
    Part("content", "content", ("disk",)),
    Part("files", "host files", ("disk", "system")),
    Part("settings", "host settings", ("disk", "system", "files", "packages")),
    Part("users", "users", ("disk", "system")),
    Part("services", "services", ("disk", "system", "files", "packages")),
    Part("folders", "host folders", ("disk", "system")),
    Part("restart", "restart", ("packages",)),
    Part("others", "other owners"),
    Part("server", "store's server", ("network",)),
    Part("k3s-files", "k3s files", ("disk",)),
    Part("k3s-binary", "k3s binary", ("disk", "content")),
    Part("k3s-certificates", "k3s certificates", ("clock", "disk")),
    Part(
        "k3s",
        "k3s",
        (
            *("disk", "memory", "clock", "network", "system", "k3s-files", "k3s-binary", "others", "settings"),
            *("server", "k3s-certificates"),
        ),
    ),
    Part("backup", "backup", ("disk",)),
    Part("api", "kubernetes API", ("k3s", "server")),
    Part("node", "node", ("api", "memory", "disk", "network")),
    Part("images", "images", ("disk", "content", "node")),
    Part("helm", "helm", ("disk", "content")),
    Part("models", "models", ("disk", "content")),
    Part("gpu-hardware", "GPU hardware", ("power",)),
    Part("gpu-driver", "GPU driver", ("gpu-hardware", "packages", "system")),
    Part("gpu-uvm", "GPU memory device", ("gpu-driver",)),
    Part("gpu-toolkit", "GPU toolkit", ("packages", "disk")),
    Part("gpu-card", "GPU", ("gpu-hardware", "gpu-driver", "gpu-uvm")),
    Part("facts", "store facts", ("node",)),
    Part("secrets", "secrets", ("node", "disk")),
    Part("guard", "GPU guard", ("node",)),
    Part("neighbour", "node", ("network", "api")),
    Part("release", "release", ("node", "helm", "images", "facts", "secrets", "content", "guard")),
    Part("gpu-plugin", "GPU plugin", ("node", "gpu-driver", "gpu-toolkit", "gpu-card")),
    Part("gpu-offer", "GPU offer", ("node", "gpu-plugin", "gpu-card")),
    Part("gpu", "GPU proof", ("node", "gpu-card", "gpu-offer")),
    Part("dns", "cluster DNS", ("node", "images")),
    Part("pods", "pods of", ("node", "images", "facts", "secrets", "disk", "memory", "guard", "dns")),
    Part("inference", "inference", ("node", "models", "gpu", "dns")),
    Part("bus", "bus", ("node", "dns")),
    Part("camera", "camera", ("node", "bus", "dns")),
    Part("uplink", "uplink", ("node", "bus", "disk", "dns")),
    Part("sink", "sink", ("node", "uplink", "network", "clock", "dns")),
    Part("drift", "drift", ("node", "bus", "dns")),
    Part("dependency", "dependency", ("network", "clock", "node")),
    Part("leftovers", "leftovers", ("node",)),
    Part("run", "a run of edgectl"),
    Part("telling", "telling upward", ("network", "clock")),
)
_RANK = {part.name: rank for rank, part in enumerate(PARTS)}
_BY_NAME = {part.name: part for part in PARTS}
_ONE_WORD = frozenset({"camera", "dependency"})  # an own name says enough


def kind_of(part: str) -> str:
    """Return the kind of a part: `gpu-card` of `gpu-card 1`."""
    return part.partition(" ")[0]


def title_of(part: str) -> str:
    """Return how people call a part."""
    kind, _, name = part.partition(" ")
    if not name:
        return _BY_NAME[kind].title
    return name if kind in _ONE_WORD else f"{_BY_NAME[kind].title} {name}"


def rank_of(part: str) -> int:
    """Return where a part stands: the most fundamental is 0."""
    return _RANK[kind_of(part)]


@dataclass(frozen=True)
class Graph:
    """The parts of one node: `more` is what its own parts rest on beside what their kind does."""

    parts: frozenset[str]
    more: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def below(self, part: str) -> frozenset[str]:
        """Return everything that a part rests on, through others, too; not itself."""
        found: set[str] = set()
        waiting = [part]
        while waiting:
            for one in self._rests(waiting.pop()):
                if one not in found and one != part:
                    found.add(one)
                    waiting.append(one)
        return frozenset(found)

    def _rests(self, part: str) -> Iterable[str]:
        """Return what a part rests on at once: a kind stands for each of it that this node has."""
        kind = kind_of(part)
        for name in _BY_NAME[kind].rests:
            yield name
            yield from (one for one in self.parts if one.startswith(f"{name} "))
        if kind != part:
            yield from self.more.get(kind, ())
        yield from self.more.get(part, ())
