"""What the watchdog does, once it holds the store's lock: each remedy, journalled, and told to whoever watches.

Owns how a remedy is carried out. Must not know when one is due.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from edgectl.node.converge.loop import Clock, converge
from edgectl.node.converge.protocol import ApplyFailed, Gate, LookFailed, Observation
from edgectl.node.gpu import proof, smoked
from edgectl.node.gpu.proof import Device
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands
from edgectl.node.units.install import CONVERGE
from edgectl.node.watch.facts import Pod, Watched
from edgectl.node.watch.ladder import Deed

WITHDRAWN = "its proof is withdrawn"


def do(deed: Deed, write: Hands, watched: Watched) -> str:
    """Carry out one remedy; returns how it ended, as a sentence. `watched` has the engine's own steps."""
    try:
        return _DO[deed.word](deed, write, watched)
    except (LookFailed, ApplyFailed) as failure:
        return f"it could not be done: {failure.reason}"
    except Denied as answer:
        return f"it could not be done: {answer}"
    except OSError as error:
        return f"it could not be done: {error.strerror or error} ({error.filename})"
    except Exception as error:  # noqa: BLE001 - what was not foreseen must not keep the watchdog from all else
        return f"it could not be done: {type(error).__name__}: {error}"


def _delete(deed: Deed, write: Hands, watched: Watched) -> str:
    del watched
    return _deleted(write, deed.pods)


def _prove(deed: Deed, write: Hands, watched: Watched) -> str:
    """Let the engine's own steps work, without waiting: what is not there yet is looked at again by the next look."""
    del deed
    words: list[str] = []

    def say(word: str, step: Gate[Any], seen: Observation) -> None:
        words.append(f"{step.title}: {word}, {seen.reason}")

    converge((watched.driver, watched.proven), write, write, say=say, clock=Clock(time.monotonic, time.sleep))
    return words[-1] if words else "nothing was to be done"


def _try_again(deed: Deed, write: Hands, watched: Watched) -> str:
    device = smoked.smoke(write, deed.what)
    record = proof.read(write)
    tries = next((one.tries for one in record.devices if one.uuid == deed.what), 0) + 1
    proof.keep(write, record.with_device(replace(device, tries=tries, at=time.monotonic())))
    if not device.ok:
        return device.reason
    proof.log(write.places, "proven", deed.what)
    return _prove(deed, write, watched)


def _check(deed: Deed, write: Hands, watched: Watched) -> str:
    """Try a GPU that is in doubt, though a pod may hold it. What computes wrongly is given up at once.

    What does not end, or says "not yet", is given up the second time; that others hold its memory says nothing.
    """
    device = smoked.smoke(write, deed.what)
    record = proof.read(write)
    known = next((one for one in record.devices if one.uuid == deed.what), device)
    if device.ok:
        proof.keep(write, record.with_device(replace(known, doubts=0)))
        return f"{deed.what} computes"
    if device.busy:
        return f"{device.reason}; its proof stands"
    if not device.never and not known.doubts:
        proof.keep(write, record.with_device(replace(known, doubts=known.doubts + 1)))
        return f"{device.reason}; it is asked once more"
    failed = replace(device, tries=known.tries + 1, at=time.monotonic())
    return f"{device.reason}; {_given_up(deed, write, watched, failed)}"


def _withdraw(deed: Deed, write: Hands, watched: Watched) -> str:
    """Take a GPU's proof back, and its pods: init containers do not run again when only the main one restarts."""
    return _given_up(deed, write, watched)


def _given_up(deed: Deed, write: Hands, watched: Watched, failed: Device | None = None) -> str:
    said = WITHDRAWN
    try:
        watched.proven.give_up(write, deed.what, failed)
    except OSError as error:  # pods on a lost GPU go, whatever the folder's state is
        said = f"its proof could not be taken back: {error.strerror or error}"
    return f"{said}, {_deleted(write, deed.pods)}"


def _withdraw_marker(deed: Deed, write: Hands, watched: Watched) -> str:
    del deed, watched
    write.remove(write.places.gpu_marker)
    return "the marker is gone: pods that start from now on wait"


def _heal(deed: Deed, write: Hands, watched: Watched) -> str:
    """Let the engine look: images are its matter. It waits for the lock that is held here, some moments."""
    del deed, watched
    ran = write.change("systemctl", "start", "--no-block", CONVERGE, limit_seconds=30)
    return "the engine looks" if ran.ok else f"the engine could not be started: {ran.last_words}"


def _deleted(write: Hands, pods: Iterable[Pod]) -> str:
    gone = []
    for pod in pods:
        if not pod.replaced:
            continue  # nobody would make it again: that is for a person
        with suppress(Denied):  # an agent may not delete every pod of its node (NodeRestriction): the lead may
            write.api.delete(pod.path)
            gone.append(str(pod))
    return f"deleted {', '.join(gone)}" if gone else "no pod was to be deleted"


_DO = {
    "bury": _delete,
    "prove": _prove,
    "try again": _try_again,
    "restart plugin": _delete,
    "restart plugin for more": _delete,
    "withdraw marker": _withdraw_marker,
    "check": _check,
    "withdraw": _withdraw,
    "move": _delete,
    "renew": _delete,
    "heal": _heal,
    "pull again": _delete,
}
