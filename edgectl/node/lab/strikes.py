"""What happens to machines, done to this one on purpose: a restart, a power cut, a service killed, a device gone.

Owns: how each blow falls, and that a power cut never falls on a machine that shares its kernel with others. Helps
nothing up again: that is what is being tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.desired import deployed
from edgectl.node.gpu.plugin import plugins_of
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands
from edgectl.node.lab.seen import UNITS, UVM, pods_of, processes_of, running
from edgectl.wire.errors import NotReady, Refused, StepFailed, UsageError
from edgectl.wire.lab import K3S, PLUGIN, POWER, REBOOT, STRIKES
from edgectl.wire.lab import UVM as UVM_GONE

_ASK_SECONDS = 30.0
_RESTART_SECONDS = 240.0
_SENT_SECONDS = 1.0  # until the answer has left this machine
_TRIGGER = "proc/sysrq-trigger"


def strike(hands: Hands, kind: str) -> Callable[[], None]:
    """Return what lets the blow fall. Raises before it does where it cannot."""
    deployed(hands.places)  # a machine of nobody's store is not struck
    if kind == REBOOT:
        return lambda: _change(hands, "systemctl", "reboot", "--no-block", seconds=_ASK_SECONDS)
    if kind == POWER:
        return _power(hands)
    if kind == K3S:
        unit = next((one for one in UNITS if hands.unit(one).get("ActiveState") == "active"), None)
        if unit is None:
            raise NotReady("k3s does not run here: there is nothing to restart", hint="edgectl status STORE")
        return lambda: _change(hands, "systemctl", "restart", unit, seconds=_RESTART_SECONDS)
    if kind == PLUGIN:
        return _plugin(hands)
    if kind == UVM_GONE:
        path = hands.places.root / UVM
        if hands.entry(path) is None:
            raise NotReady(f"/{UVM} is not there: it cannot be taken away", hint="edgectl gpu STORE")
        return lambda: path.unlink(missing_ok=True)
    raise UsageError(f"nothing called {kind!s:.40} strikes here", hint=f"what does: {', '.join(STRIKES)}")


def _power(hands: Hands) -> Callable[[], None]:
    """Let the kernel restart the machine at once: nothing is written any more, no file system is told."""
    ran = hands.run("systemd-detect-virt", "--container")
    if ran.code is None or ran.code not in {0, 1} or ran.out.strip() not in {"", "none"}:
        raise Refused(
            f"this machine shares its kernel with others ({ran.out.strip() or ran.last_words}): a power cut here would "
            "be theirs, too",
            hint="only a machine of its own can lose its power by itself",
        )
    trigger = hands.places.root / _TRIGGER
    if hands.entry(trigger) is None:
        raise NotReady(f"/{_TRIGGER} is not there: this kernel cannot cut its own power (CONFIG_MAGIC_SYSRQ)")

    def falls() -> None:
        time.sleep(_SENT_SECONDS)
        trigger.write_text("b")

    return falls


def _plugin(hands: Hands) -> Callable[[], None]:
    try:
        pods = pods_of(hands)
    except Denied as error:
        raise LookFailed(f"the Kubernetes API refuses to tell: {error.message}") from error
    plugins = plugins_of(pods)
    containers = [one for pod in pods if pod["metadata"].get("uid") in plugins for one in running(pod)]
    processes = [pid for own in processes_of(hands.places.root / "proc", containers).values() for pid in own]
    if not processes:
        raise NotReady("no device plugin runs on this node: there is none to kill", hint="edgectl gpu STORE")

    def falls() -> None:
        for pid in processes:
            hands.kill(pid)

    return falls


def _change(hands: Hands, *argv: str, seconds: float) -> None:
    ran = hands.change(*argv, limit_seconds=seconds, keeps_lock=False)
    if not ran.ok:
        raise StepFailed(f"{' '.join(argv)} did not work: {ran.last_words}", details=ran.evidence())
