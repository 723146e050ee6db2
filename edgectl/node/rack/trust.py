"""`edgectl-node trust`: whose offers this node takes, and which one it took last."""

from __future__ import annotations

import argparse
import sys
import time
from fnmatch import fnmatchcase

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.trust.accept import trust_here
from edgectl.node.trust.kept import Heard, heard_of
from edgectl.wire.envelope import short
from edgectl.wire.errors import EdgectlError, Exit
from edgectl.wire.trust import Trust, state_of, written


def run(places: Places, args: argparse.Namespace) -> int:
    """Say it; nothing is changed."""
    del args
    look, slots = Look(places), Slots(places)
    slot = slots.current or slots.candidate
    store = slot.envelope.store if slot else ""
    try:
        said = lines(store, trust_here(look), heard_of(look), now=time.time())
    except EdgectlError as error:
        sys.stderr.write(f"edgectl-node: {error.message}\n  next: {error.hint}\n")
        return int(Exit.NOT_READY)
    except (LookFailed, ValueError) as error:
        sys.stderr.write(f"edgectl-node: the trust cannot be read: {error}\n")
        return int(Exit.NOT_READY)
    sys.stdout.write("\n".join(said) + "\n")
    return int(Exit.OK)


def lines(store: str, trust: Trust, heard: Heard | None, *, now: float) -> list[str]:
    """Return what a person reads; times are held against this node's clock, which is said."""
    mine = [one for one in trust.signers if not store or any(fnmatchcase(store, name) for name in one.stores)]
    said = [f"{store or 'this node'} trusts version {trust.version}, of {written(trust.created)}"]
    for one in mine:
        word = state_of(one, trust, now=now)
        until = f"until {one.valid_before}" if one.valid_before else "without an end"
        since = f"from {one.valid_after}, " if one.valid_after else ""
        said.append(f"  {word:<9} {one.who}  {one.fingerprint}  {since}{until}")
    if not mine:
        said.append("  nobody may sign for this store: only deploys over SSH reach it")
    if others := len(trust.signers) - len(mine):
        said.append(f"  {others} more sign for other stores only")
    named = {one.fingerprint for one in mine}
    said += [f"  {'revoked':<9} {name}" for name in trust.revoked if name not in named]
    if heard is None:
        said.append("no offer was taken yet")
    else:
        what = f"payload {short(heard.payload)}, for {heard.store}, under version {heard.trust}"
        said.append(f"last taken: the offer of {written(heard.serial)} ({what})")
    said.append(f"this node's clock says {written(now)}")
    return said
