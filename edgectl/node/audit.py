"""This node's audit: who asked what of it, how that is known, and what came of it (docs/audit.md).

Owns: what a line says of who has come, and that nothing which a store does depends on its audit: a disk that takes no
line costs the line. Must not know how lines are chained (wire/audit.py), nor decide anything by what they say.
"""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.wire.audit import Chain, Clock, parts
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import EdgectlError, Refused

SSHD, AUTHORIZED, CLAIMED, SIGNATURE, RACK, ENGINE = "sshd", "authorized", "claimed", "signature", "rack", "engine"
ACCEPTED, AGAIN, REFUSED, ENDED, LATE, ASKED, DONE = "accepted", "again", "refused", "ended", "late", "asked", "done"
_MOST = 300  # letters of a sentence
_CLUSTER = ("backup", "restore", "forget-node", "remove", "reader", "join-token")
_DEEDS = ("cancel", "pause", "resume", "models", "lab", *_CLUSTER)
_TOLD = ("deed", "name", "version", "why", "seconds", "digest", "anyway")  # of a question, in its line
# of these questions the others only look, or end it
_HANDS_OUT = {"backup": ("take", "fetch"), "reader": ("open",), "lab": ("strike",)}


def note(places: Places, what: str, **fields: Any) -> None:
    """Add a line, durably; a disk that does not take it changes nothing of what is done."""
    look = Look(places)

    def boot() -> str:
        with suppress(LookFailed):
            return look.boot_id()
        return ""

    def up() -> float:
        with suppress(LookFailed):
            return look.up_seconds()
        return 0.0

    with suppress(OSError):
        Chain(places.audit, Clock(boot, up)).add(what, **fields)


def over_ssh(places: Places, sender: Sender, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Say who has come over the link, and how far that is proven.

    `sshd`: sshd itself has named the key (ExposeAuthInfo yes). `authorized`: edgectl has named the key that it was let
    in with, and it is one of this account's. `claimed`: nobody but the other side says so.
    """
    account = env.get("SUDO_USER") or "root"
    who = {
        "from": f"{sender.user}@{sender.host}"[:_MOST],
        "account": account,
        "address": env.get("SSH_CONNECTION", "").split(" ")[0],
    }
    if proven := _exposed(env.get("SSH_USER_AUTH", "")):
        return {**who, "key": proven, "proof": SSHD, **({"claimed": sender.key} if sender.key != proven else {})}
    proof = AUTHORIZED if sender.key and sender.key in _authorized(places, account) else CLAIMED
    return {**who, "key": sender.key, "proof": proof}


def by_signature(sender: Sender, way: str) -> dict[str, str]:
    """Say whose signature has come, and by which way."""
    return {"signer": sender.user, "key": sender.key, "proof": SIGNATURE, "way": way}


def at_the_rack() -> dict[str, str]:
    """Say who has typed a command here."""
    user = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    return {"from": f"{user}@{os.uname().nodename}", "proof": RACK}


def accepted(places: Places, offer: Envelope, who: dict[str, str], asked: Mapping[str, str], phase: str) -> None:
    """Note that an offer is taken, just before it is: a kill in between leaves a line too many, never too few."""
    orders = {"take-over": offer.take_over, "reboot-now": offer.may_reboot, "accept-degraded": offer.accept_degraded}
    note(
        places,
        _what(asked),
        phase=phase,
        by=_filled(who),
        orders=[name for name, given in orders.items() if given],
        peer=str(asked.get("head", ""))[:_MOST],
        **_about(offer),
    )


@contextmanager
def refusals(places: Places, offer: Envelope, who: dict[str, str], asked: Mapping[str, str]) -> Iterator[None]:
    """Note what is refused by a store; on a machine that is of none yet, a refusal writes nothing at all."""
    try:
        yield
    except Refused as error:
        if _belongs(places):
            note(places, _what(asked), phase=REFUSED, by=_filled(who), outcome=error.message[:_MOST], **_about(offer))
        raise


def ended(places: Places, slot: Slot, kind: str, run: str, said: Mapping[str, Any], reason: str) -> None:
    """Note what a run has come to: a person's always, a heal's where it has changed something."""
    if kind == "heal" and not said.get("changed") and not said.get("promoted"):
        return
    by = {"from": "edgectl", "proof": ENGINE} if kind == "heal" else {}
    outcome = {key: said[key] for key in ("word", "exit", "promoted", "serving", "changed") if key in said}
    note(places, kind, phase=ENDED, by=by, run=run, outcome=outcome, reason=reason[:_MOST], **_about(slot.envelope))


def catch_up(places: Places, slot: Slot) -> None:
    """Note an accepted slot that is in no line: the disk was full when it came, say."""
    if slot.promoted is not None or slot.rejected is not None:
        return
    mark = f'"sequence":{slot.envelope.sequence},'.encode()
    with suppress(OSError):
        if any(mark in path.read_bytes() for path in parts(places.audit)[-2:]):
            return
    sender = slot.envelope.sender
    by = {"from": f"{sender.user}@{sender.host}"[:_MOST], "key": sender.key, "proof": CLAIMED}
    note(places, "deploy", phase=LATE, by=_filled(by), **_about(slot.envelope))


@contextmanager
def deed(places: Places, frame: Mapping[str, Any], who: dict[str, str] | None = None) -> Iterator[None]:
    """Note what a person does to this node beside a deploy: before it is done, and where it was not."""
    op = str(frame.get("op", ""))
    if not _is_deed(places, op, frame):
        yield
        return
    if who is None:
        who = over_ssh(places, sender_of(frame))
    what = {"asked": {name: str(frame[name])[:_MOST] for name in _TOLD if frame.get(name)}, **_of(places, frame)}
    note(places, op, phase=ASKED, by=_filled(who), **what)
    try:
        yield
    except (EdgectlError, LookFailed, OSError) as error:
        note(places, op, phase=REFUSED, by=_filled(who), outcome=str(error)[:_MOST], **what)
        raise


def sender_of(frame: Mapping[str, Any]) -> Sender:
    """Return who asks a question, as far as it says so."""
    user, _, host = str(frame.get("who", "")).partition("@")
    return Sender(user, host, str(frame.get("key", "")))


def _is_deed(places: Places, op: str, frame: Mapping[str, Any]) -> bool:
    """Tell whether this changes something here, or hands out what opens the cluster."""
    if op == "models":
        return bool(frame.get("deed"))
    if op == "remove":  # a bare machine stays bare
        return not frame.get("look") and (places.removing.exists() or bool(Slots(places).all()))
    return op in _DEEDS and frame.get("deed", "") in _HANDS_OUT.get(op, (frame.get("deed", ""),))


def _of(places: Places, frame: Mapping[str, Any]) -> dict[str, str]:
    """Return whose machine this is; where nothing was deployed yet, whose it is to be."""
    return _belongs(places) or {name: str(frame[name])[:_MOST] for name in ("store", "node") if frame.get(name)}


def _what(asked: Mapping[str, str]) -> str:
    return "rollback" if asked.get("what") == "rollback" else "deploy"


def _about(offer: Envelope) -> dict[str, Any]:
    fields = {name: getattr(offer, name) for name in ("store", "node", "sequence", "payload", "commit")}
    return {**fields, "follows": offer.lead}


def _belongs(places: Places) -> dict[str, str]:
    slots = Slots(places)
    slot = slots.current or slots.candidate
    return {"store": slot.envelope.store, "node": slot.envelope.node} if slot else {}


def _filled(who: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in who.items() if value}


def _exposed(path: str) -> str:
    """Return the key's fingerprint from the file that sshd writes with ExposeAuthInfo: `publickey TYPE BASE64`."""
    with suppress(OSError, ValueError):
        for line in Path(path).read_text(encoding="ascii").splitlines() if path else ():
            words = line.split()
            if words[:1] == ["publickey"]:
                return _fingerprint(words[2])
    return ""


def _authorized(places: Places, account: str) -> frozenset[str]:
    """Return the fingerprints of an account's authorized keys, as far as they lie where sshd looks by default."""
    found = set()
    with suppress(KeyError, OSError, UnicodeDecodeError):
        home = pwd.getpwnam(account).pw_dir.lstrip("/")
        for line in (places.root / home / ".ssh/authorized_keys").read_text(encoding="utf-8").splitlines():
            words = line.split()
            for kind, key in pairwise(words):
                if kind.startswith(("ssh-", "ecdsa-", "sk-")):
                    with suppress(ValueError):
                        found.add(_fingerprint(key))
    return frozenset(found)


def _fingerprint(key: str) -> str:
    found = hashlib.sha256(base64.b64decode(key, validate=True)).digest()
    return "SHA256:" + base64.b64encode(found).decode().rstrip("=")
