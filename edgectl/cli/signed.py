"""What a command signs where a store is reached by an account that is not root's; elsewhere nothing.

Owns that one question. Must not know keys, nor what a node makes of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgectl.control.deploy.offer import Offer
    from edgectl.control.inventory.store import NodeTarget, Store

_KNOWN_BYTES = 1  # of what the node has: it takes nothing then, and no size is asked for


def signed(given: Offer, store: Store, *, engine_bytes: int = _KNOWN_BYTES, payload: bytes = b"") -> Offer:
    """Return an offer with all that its nodes need to take it. Raises EdgectlError where no key at hand may sign.

    `payload` and `engine_bytes` are there where the node may lack them.
    """
    launches = [node.ssh.launch for node in store.nodes if node.ssh.launch is not None]
    if not launches:
        return given
    from edgectl.control.signing.online import offered
    from edgectl.control.signing.trustfile import read
    from edgectl.wire.errors import InvalidInput
    from edgectl.wire.offer import ORDERS, Part
    from edgectl.wire.offer import Offer as Signed
    from edgectl.wire.sshsig import fingerprint
    from edgectl.wire.trust import blob_of

    if store.trust is None:
        raise InvalidInput(f"{store.name} trusts no key, and takes only what is signed", docs="users")
    made = Signed(
        store=given.store,
        serial=0,
        expires=0,
        payload=Part(given.payload, len(payload) or _KNOWN_BYTES),
        runtime=Part(given.runtime, engine_bytes),
        commit=given.commit,
        summary=given.summary,
        **{order: getattr(given, order) for order in ORDERS if hasattr(given, order)},
    )
    keeps = frozenset(fingerprint(blob_of(key)) for launch in launches for key in launch.keys)
    return replace(given, signed=offered(made, payload, read(store.trust).trust, given.values), keeps=keeps)


def need_root(node: NodeTarget, what: str) -> None:
    """Raise Refused where a node is reached by an account that starts edgectl and nothing else."""
    from edgectl.wire.errors import Refused

    if node.ssh.launch is not None:
        raise Refused(
            f"{what} on {node.name} needs root, and {node.ssh.user} starts edgectl there and nothing else",
            hint="log in as root (ssh.user), or work at the node itself",
            docs="users",
        )
