"""The same store without the guard: what Kubernetes alone does when the device plugin is late at a boot.

Owns: taking the guard away from a store that is thrown away afterwards. There is no way back.
"""

from __future__ import annotations

import json
import time
from typing import Any

from edgectl.wire.errors import EdgectlError
from tests.storm.eye import STARTS, Eye
from tests.storm.judge import Row
from tests.storm.prepare import FOLDER, Ground
from tests.storm.storm import SERVE_SECONDS, Say
from tests.storm.strikes import BOOT_SECONDS, Strikes

NAMESPACE = "gpu-system"  # GPU pods without a gate may be there
LATE_SECONDS = 10.0
# Whatever edgectl keeps on a node, now and later: units, and the cluster's rule that GPU pods have a gate.
_OFF = """systemctl list-unit-files --no-legend --no-pager 'edgectl*' | while read -r unit _; do
  systemctl disable --now "$unit" || systemctl stop "$unit"; systemctl mask "$unit" 2>/dev/null
done
for kind in validatingadmissionpolicybindings validatingadmissionpolicies; do
  k3s kubectl get "$kind" -o name | grep edgectl | xargs -r k3s kubectl delete
done
k3s kubectl delete deployment -n vision inference --wait=true"""


def plain(image: str) -> dict[str, Any]:
    """Return inference as anybody would deploy it: a GPU, and no gate."""
    labels = {"app": "plain"}
    container = {
        "name": "inference",
        "image": image,
        "args": ["-m", "edgectl.stack.inference", "--port", "8000"],
        "env": [{"name": "EDGECTL_START_LOG", "value": STARTS}],
        "resources": {"limits": {"nvidia.com/gpu": 1}},
        "volumeMounts": [{"name": "storm", "mountPath": FOLDER}, {"name": "models", "mountPath": "/models"}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8000}, "periodSeconds": 1},
    }
    pod = {
        "runtimeClassName": "nvidia",
        "terminationGracePeriodSeconds": 10,
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "securityContext": {"runAsUser": 65532, "runAsGroup": 65532},
        "containers": [container],
        "volumes": [
            {"name": "storm", "hostPath": {"path": FOLDER, "type": "DirectoryOrCreate"}},
            {"name": "models", "hostPath": {"path": "/var/lib/edgectl/models"}},
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "plain", "namespace": NAMESPACE},
        "spec": {
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def baseline(on: Ground, rounds: int, say: Say) -> list[Row]:
    """Take the guard away, then reboot with a late plugin, so many times."""
    on.node.sh(_OFF, seconds=120, check=False)
    made = json.dumps(plain(on.images["vision"]))
    on.node.run("k3s", "kubectl", "apply", "-f", "-", stdin=made)
    strikes = Strikes(on.node, on.eye, on.operator, on.images["gate"])
    on.eye.until("inference runs without a guard", lambda seen: bool(seen.serving()), seconds=120)
    rows = []
    strikes.knob("delay", str(LATE_SECONDS))
    for number in range(1, rounds + 1):
        say(f"guard off, reboot {number} of {rounds}")
        rows.append(_reboot(strikes, on.eye, number))
        on.node.sh(f"k3s kubectl delete pods -n {NAMESPACE} --field-selector=status.phase=Failed", check=False)
    return rows


def _reboot(strikes: Strikes, eye: Eye, number: int) -> Row:
    """Reboot; the dead are counted when another pod is ready, and left for as long as nobody deletes them."""
    title = f"plugin late {LATE_SECONDS:.0f} s + reboot"
    began = time.monotonic()
    try:
        before = eye.look().boot
        strikes.node.store.reboot(wait_seconds=0)
        up = eye.until("the node runs again", lambda seen: seen.boot not in {"", before}, seconds=BOOT_SECONDS)
        told = eye.until("the plugin has registered", lambda seen: seen.registered > up.at, seconds=BOOT_SECONDS)
        seen = eye.until("a pod is ready again", lambda seen: bool(seen.serving()), seconds=SERVE_SECONDS)
    except (AssertionError, EdgectlError) as error:
        return Row(number, title, failed=str(error)[:600], dead_left=_dead(eye), starts=eye.starts(since=began))
    dead = _dead(eye)
    return Row(
        number,
        title,
        hardware=told.registered - began,
        serving=seen.at - began,
        starts=eye.starts(since=began),
        dead_seen=len(dead),
        dead_left=dead,
    )


def _dead(eye: Eye) -> tuple[str, ...]:
    return tuple(f"{name} ({why})" for name, why in eye.look().dead(eye.namespaces).items())
