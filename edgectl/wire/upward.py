"""Where a node may tell of itself: the rule for addresses, the same for whoever declares one and whoever uses it.

Owns: the rule, and what an entry's headers are called. Must not know how anything is sent.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

ID, STORE, NODE, KIND = "Edgectl-Id", "Edgectl-Store", "Edgectl-Node", "Edgectl-Kind"
_NEAR = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)


def refused(url: str) -> str:
    """Say why nothing may be told to an address; "" when it may be. No word of it quotes the address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "a host and a port are needed, like https://upward.example.com:8443/edgectl"
    if not url.isascii() or any(character.isspace() or not character.isprintable() for character in url):
        return "letters of ASCII without blanks are needed"
    if parts.scheme not in ("https", "http") or not host or port == 0:
        return "https://... is needed, like https://upward.example.com/edgectl"
    if parts.username is not None or parts.password is not None:
        return "no user and no password stand in it: say secret: NAME/KEY, which is sent as a bearer token"
    if parts.query or parts.fragment:
        return "no ? and no # stand in it: what proves who sends is secret: NAME/KEY"
    if parts.scheme == "http" and not _is_near(host):
        return "http:// is read by everybody on the way: use https://, or an address of the store's own network"
    return ""


def _is_near(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name may be another address tomorrow
        return False
    return any(address in network for network in _NEAR)
