"""What the other side itself has answered or refused: evidence that nothing below explains.

Owns: the words by which it is told from "not there", "not reached", "not asked", "waits". A peer that answered HTTP 401
was reached, whatever is broken here. Only who is known to spoil answers (a wrong clock, a DNS that is down) still may
explain one, by its own pattern. Pure.
"""

from __future__ import annotations

import re

UNRESOLVED = (  # nobody has answered what a name's address is
    r"not resolve|name resolution|getaddrinfo|EAI_AGAIN|lookup \S+ on |DNS does not answer"
)
DATES = r"not yet valid|looks expired|certificate(?: has)? expired(?! on )|clock is"  # the peer's or ours: who knows

_NO_NAME = r"no such host|name is not known|name or service not known|nodename nor servname"
_REFUSED = (
    r"refuses (?:this|every|the) |sends us elsewhere|takes nothing at|asks for fewer|"
    r"(?:un|not )authori[sz]ed|authentication|authorization failed|bad user|user ?name or password|password is wrong|"
    r"access denied|\b40[13]\b|toomanyrequests|manifest unknown|repository does not exist"
)
_TLS = (
    r"TLS certificate|certificate (?:is|has|hangs|expired)|x509|no TLS with|speaks no TLS|unknown authority|"
    r"tls: |handshake"
)
_NEAR = re.compile(f"{_REFUSED}|{_TLS}|{_NO_NAME}|{UNRESOLVED}", re.IGNORECASE)
_FAR = re.compile(r"\bHTTP [1-5]\d\d\b")


def answered(text: str, *, far: bool) -> bool:
    """Tell whether this is what a peer has answered, or a name server of this very name.

    `far`: the peer is not of this store. A service of ours that answers HTTP 503 may lack what lies below it.
    """
    return bool(_NEAR.search(text)) or (far and bool(_FAR.search(text)))
