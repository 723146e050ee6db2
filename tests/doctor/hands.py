"""Ways to make a fault and to see it: a shell on the node, kubectl, the operator. Owns no fault."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

from edgectl.wire.errors import EdgectlError
from tests.doctor.fault import Deed, Ground, Seen

VISION = "vision"


def shell(script: str) -> Deed:
    """Run a script as root on the node, which must end well."""

    def deed(ground: Ground) -> None:
        ground.node.sh(f"set -e; {script}")

    return deed


def holds(script: str) -> Seen:
    """See whether a script ends well on the node."""
    return lambda ground: ground.node.run("sh", "-c", script, check=False).code == 0


def kubectl(*words: str) -> Deed:
    """Run kubectl on the node."""

    def deed(ground: Ground) -> None:
        ground.node.kubectl(*words)

    return deed


def scaled(name: str, count: int, namespace: str = VISION) -> Deed:
    """Give a Deployment so many pods, by hand."""
    return kubectl("scale", "-n", namespace, f"deployment/{name}", f"--replicas={count}")


def gone(label: str, namespace: str = VISION) -> Seen:
    """See that no pod has this label any more."""
    return lambda ground: not ground.node.objects("pods", "-n", namespace, "-l", label)


def patched(kind: str, name: str, patch: Any, namespace: str = VISION, how: str = "strategic") -> Deed:
    """Patch an object, by hand."""
    return kubectl("patch", kind, name, "-n", namespace, f"--type={how}", "-p", json.dumps(patch))


def link_of(service: str, name: str) -> Callable[[Ground], dict[str, Any]]:
    """Return a look at what a service says of one of its links."""

    def look(ground: Ground) -> dict[str, Any]:
        try:
            found: dict[str, Any] = ground.node.ops(service).get("links", {}).get(name, {})
        except (EdgectlError, ValueError):
            return {}
        return found

    return look


def reason(look: Callable[[Ground], dict[str, Any]], *texts: str) -> Seen:
    """See one of these texts in what a service says of a link."""
    return lambda ground: any(text in str(look(ground).get("reason", "")) for text in texts)


def pods(ground: Ground, name: str) -> list[dict[str, Any]]:
    """Return the pods of a service of the stack."""
    return ground.node.objects("pods", "-n", VISION, "-l", f"app.kubernetes.io/name={name}")


def deployed(change: Callable[[dict[str, Any]], None]) -> Deed:
    """Deploy the exam's inventory with a change, and insist on it: what makes a store worse is taken back else."""

    def deed(ground: Ground) -> None:
        changed = ground.operator.with_(change=change)
        changed.start("deploy", "--accept-degraded", "-o", "json").finish(seconds=240)

    return deed


def as_declared(ground: Ground) -> None:
    """Deploy the exam's own inventory."""
    ground.operator.start("deploy", "-o", "json").finish(seconds=240)


def kept(path: str) -> str:
    """Return the shell words that keep a file aside."""
    return f"mkdir -p /root/exam && cp -a {shlex.quote(path)} /root/exam/{path.rpartition('/')[2]}"


def back(path: str) -> str:
    """Return the shell words that put a file back that was kept aside."""
    name = path.rpartition("/")[2]
    return f"cp -a /root/exam/{name} {path}.exam && mv {path}.exam {path} && rm /root/exam/{name}"
