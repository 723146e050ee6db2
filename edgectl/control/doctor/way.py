"""What stands between this desk and a node, as a cause: names, network, host key, log-in, sudo, engine. Pure.

Owns: which code an error of the link has. The sentences are the link's own.
"""

from __future__ import annotations

import re

from edgectl.control.link.lost import LinkLost, WrongHostKey
from edgectl.wire.diagnosis import Cause
from edgectl.wire.errors import EdgectlError
from edgectl.wire.runbook import page_of

# What the message says -> code; the first that fits.
SAYS = (
    (r"\bjump\b", "E-LNK-14"),
    (r"has no address|was not resolved", "E-LNK-02"),
    (r"there is no key to log in", "E-OPS-02"),
    (r"\bsudo\b", "E-LNK-08"),
    (r"in with none of|log-?in|authenti", "E-LNK-07"),
    (r"did not answer within|did not finish SSH", "E-LNK-03"),
    (r"refused the connection", "E-LNK-04"),
    (r"is not reachable", "E-LNK-05"),
    (r"needs Python|cannot keep the engine", "E-LNK-09"),
    (r"does not know '|was expected|answer cannot be read|answered in a way", "E-LNK-12"),
)
OTHER, BROKEN, OTHER_KEY = "E-LNK-01", "E-LNK-10", "E-LNK-06"
SLOW, OTHER_ENGINE, NEWER = "E-LNK-11", "E-LNK-12", "E-LNK-13"


def code_of(error: EdgectlError) -> str:
    """Return the code of an error of the link."""
    if isinstance(error, WrongHostKey):
        return OTHER_KEY
    found = next((code for words, code in SAYS if re.search(words, error.message)), "")
    return found or (BROKEN if isinstance(error, LinkLost) else OTHER)


def cause(node: str, error: EdgectlError) -> Cause:
    """Return what keeps this desk from asking a node. Whether the store sells is not known by it."""
    code = code_of(error)
    page = page_of(code)
    title, do = (page.title, page.do) if page else ("The node cannot be asked", "")
    says = f"{title}: {error.message}"
    return Cause(
        code, "link", says, error.details[:4], error.hint or do, stops=False, so=(f"all of {node}",), node=node
    )
