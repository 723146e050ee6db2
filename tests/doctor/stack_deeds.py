"""How faults of GPUs and of the stack are made where one kubectl does not do. Owns no fault."""

from __future__ import annotations

from typing import Any

from tests.doctor.fault import Ground
from tests.doctor.hands import patched

NAME = "app.kubernetes.io/name"


def lose(ground: Ground) -> None:
    """Let the card fall off the bus."""
    ground.knobs.xid(0, 79, "pid=0, GPU has fallen off the bus.")
    ground.knobs.gpus(0)


def unload_uvm(ground: Ground) -> None:
    """Take nvidia-uvm away for good."""
    ground.knobs.uvm(loads=False)
    ground.node.sh("rm -f /dev/nvidia-uvm /dev/nvidia-uvm-tools")


def load_uvm(ground: Ground) -> None:
    """Bring nvidia-uvm back."""
    ground.knobs.uvm(loads=True)
    ground.node.sh("nvidia-modprobe -u -c 0")


_PLUGIN = ("nvidia-device-plugin", "gpu-system")


def crash_plugin(ground: Ground) -> None:
    """Let the device plugin end as soon as it starts."""
    name, namespace = _PLUGIN
    patch = [{"op": "add", "path": "/spec/template/spec/containers/0/command", "value": ["/no-such-program"]}]
    patched("daemonset", name, patch, namespace, "json")(ground)


def mend_plugin(ground: Ground) -> None:
    """Give the device plugin its own start back."""
    name, namespace = _PLUGIN
    ground.node.kubectl("rollout", "undo", f"daemonset/{name}", "-n", namespace)


def wrong(ground: Ground) -> None:
    """Let CUDA compute wrongly, and have it tried again."""
    ground.knobs.cuda({0: "wrong"})
    ground.node.sh("rm -rf /run/edgectl/gpu")


def heal(ground: Ground) -> None:
    """Let the engine put things right."""
    ground.node.wait("no run is going on", ground.node.idle)
    ground.node.run("systemctl", "start", "edgectl-converge", seconds=240, check=False)


def aisle(doc: dict[str, Any]) -> None:
    """Declare a second camera, whose address nobody has."""
    cameras = doc["defaults"]["releases"]["vision-stack"]["values"]["camera"]["cameras"]
    cameras["aisle"] = {"source": "rtsp://10.77.0.77/stream", "fps": 2}


def misspelt(doc: dict[str, Any]) -> None:
    """Name a sink that no DNS knows."""
    sink = doc["defaults"]["releases"]["vision-stack"]["values"]["uplink"]["sink"]
    sink["url"] = "https://sink.exmaple:8443/events"


def other_token(ground: Ground) -> None:
    """Change the token by hand; the uplink has it from its start on."""
    patched("secret", "downstream", {"stringData": {"TOKEN": "by-hand"}})(ground)
    ground.node.kubectl("delete", "pod", "-n", "vision", "-l", f"{NAME}=uplink", "--wait=false")


def own_token(ground: Ground) -> None:
    """Put the token back."""
    heal(ground)
    ground.node.kubectl("delete", "pod", "-n", "vision", "-l", f"{NAME}=uplink", "--wait=false")


def clear(ground: Ground) -> None:
    """Let the GPUs be as they were built."""
    ground.knobs.clear()


def compute_rightly(ground: Ground) -> None:
    """Let CUDA be well."""
    ground.knobs.cuda({})


def serve(ground: Ground) -> None:
    """Let the sink be well."""
    ground.downstream.serve()
