"""What makes a machine of the sandbox a light one, and what its inventory says.

Owns: names of the stand-ins in the bundle (a few bytes instead of k3s and Helm: nothing on a light node runs them), and
how the short recipe comes onto a node. Must not know how machines are made.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from edgectl.sandbox.machine.store import SandboxStore

STAND_INS = {"k3s": "v1.36.3-light+k3s1", "helm": "v4.3.1-light"}
_PLACE = "/usr/lib/python3/dist-packages"
_INSTALL = f"cat > {_PLACE}/edgectl_light.py && echo 'import edgectl_light' > {_PLACE}/edgectl_light.pth && sync"


def lighten(store: SandboxStore) -> None:
    """Put the short recipe onto every node of a store that is on; done twice is done once."""
    text = resources.files("edgectl.sandbox.light").joinpath("short_recipe.py").read_text(encoding="utf-8")
    for node in store.record.nodes:
        store.execute(node.name, ["sh", "-c", _INSTALL], stdin=text)


def profile() -> dict[str, Any]:
    """Return what a light store's inventory says in place of what a real one's does."""
    return {
        "k3s": {"version": STAND_INS["k3s"], "config": {"disable": ["coredns"]}},
        "helm": {"version": STAND_INS["helm"]},
        "gpu": None,
        "releases": {"nvidia-device-plugin": None, "vision-stack": None},
        "inference": None,
    }
