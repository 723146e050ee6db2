"""The network: addresses, routes, ports, proxies, names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from edgectl.node.survey.facts import Facts
from edgectl.wire.finding import OK, STOP, UNKNOWN, WARN, Finding
from edgectl.wire.survey import Declared

_SMALLEST_MTU = 1280
_STAND_IN = "edgectl0"  # as in startup/net.sh
_CUT = frozenset({"down", "lowerlayerdown", "notpresent"})  # of Linux' operstate
_PROGRAM = re.compile(r'\("([^"]+)",pid=(\d+)')
# Ports of Kubernetes: those without which a node of this role cannot start, and those that it needs at times.
_MUST = {"server": {"6443", "6444", "10250", "8472"}, "agent": {"6444", "10250", "8472"}}
_NAMED = {
    "6443": "the Kubernetes API",
    "6444": "k3s's own balancer",
    "10250": "the kubelet",
    "10256": "kube-proxy",
    "2379": "etcd",
    "2380": "etcd",
    "8472": "the pods' network (VXLAN)",
    "51820": "the pods' network (WireGuard)",
}


def judge(facts: Facts, declared: Declared, *, ours: bool) -> Iterator[Finding]:
    """Yield what there is to say. `ours`: a store of edgectl's runs here, and holds its ports itself."""
    if not facts.one("ip-tool"):
        hint = "apt-get install iproute2"
        yield Finding(
            "network-address", UNKNOWN, "the program ip is not installed: nothing is known of the network", hint
        )
    else:
        yield from _address(facts, declared.address)
        if facts.all("route"):
            yield Finding("network-route", OK, "there is a default route")
        else:
            hint = "what needs the world outside (uplink, time) will wait; k3s starts all the same"
            yield Finding("network-route", WARN, "there is no default route", hint)
    yield from _lead(facts, declared)
    if not ours:
        yield from _ports(facts, declared.role)
    if proxies := facts.all("proxy"):
        hint = (
            "k3s needs NO_PROXY for the store's own addresses (10.42.0.0/16, 10.43.0.0/16, .svc, the nodes'), or none"
        )
        yield Finding("network-proxy", WARN, f"a proxy is set for services in {', '.join(proxies)}", hint)


def names(facts: Facts, declared: Declared, *, silent: tuple[str, ...]) -> Iterator[Finding]:
    """Yield whether names resolve: those that are declared, or at least somebody answers (`silent`: does not)."""
    servers = facts.all("nameserver")
    wrong = [name for line in facts.all("resolve") if (name := line.rpartition(" ")[0]) and line.split()[-1] != "0"]
    if wrong:
        asked = f"asked: {', '.join(servers)}" if servers else "/etc/resolv.conf names no name server"
        hint = f"getent hosts {wrong[0]}; give the store's name server (DHCP, /etc/resolv.conf), or declare an address"
        mute = ("no name server answers",) if servers and len(silent) == len(servers[:3]) else ()
        yield Finding("network-names", WARN, f"{', '.join(wrong)} does not resolve", hint, (asked, *mute))
    elif not servers:
        hint = "give it one (DHCP, /etc/resolv.conf); pods get theirs from it"
        yield Finding("network-names", WARN, "/etc/resolv.conf names no name server", hint)
    elif len(silent) == len(servers[:3]):
        hint = "is its network up, and UDP port 53 let out? else name another in /etc/resolv.conf"
        yield Finding("network-names", WARN, f"the name server {', '.join(silent)} does not answer", hint)
    elif declared.names:
        yield Finding("network-names", OK, f"{', '.join(declared.names)} resolve")
    else:
        yield Finding("network-names", OK, f"names are asked of {', '.join(servers)}; nothing declared needs one")


def _address(facts: Facts, address: str) -> Iterator[Finding]:
    shown = [words for line in facts.all("address") if len(words := line.split()) > 3]  # noqa: PLR2004
    shown.sort(key=lambda words: words[1] != _STAND_IN)  # of two that have an address, the real one says more
    held = {words[3].partition("/")[0]: words for words in shown}
    if not address:
        return
    about = "network-address"
    if address not in held:
        has = [one for one, words in held.items() if words[1] != "lo" and not one.startswith("fe80")]
        hint = "give the node this address (its own settings, or a reservation at the router), or correct the inventory"
        yield Finding(about, STOP, f"{address} is not on this node; it has {', '.join(has) or 'none'}", hint)
        return
    words = held[address]
    card = words[1]
    if "dynamic" in words:
        lease = next((word for before, word in pairwise(words) if before == "valid_lft"), "?")
        lent = f"{address} is lent to {card} by DHCP, for another {lease.replace('sec', ' s')}"
        hint = "reserve it at the router for this card, or give it to the node for good: k3s cannot move to another"
        yield Finding(about, WARN, lent, hint)
    else:
        yield Finding(about, OK, f"{address} on {card}")
    yield from _link(facts, address, [words[1] for words in shown if words[3].partition("/")[0] == address])
    sizes = dict(line.rsplit(" ", 1) for line in facts.all("mtu") if " " in line)
    mtu = {name: int(size) for name, size in sizes.items() if size.isdecimal()}
    if 0 < mtu.get(card, 0) < _SMALLEST_MTU:
        hint = f"ip link set {card} mtu 1500, and the same in the network's settings"
        yield Finding("network-mtu", WARN, f"{card} takes packets of {mtu[card]} bytes at most", hint)


def _link(facts: Facts, address: str, cards: list[str]) -> Iterator[Finding]:
    """Say whether what has the node's address is connected to anything."""
    state = dict(line.rsplit(" ", 1) for line in facts.all("link") if " " in line)
    real = [card for card in cards if card != _STAND_IN]
    hint = "is the cable in at both ends, the link light on, the switch on? ip -br link"
    if not real:
        said = f"only {_STAND_IN} has {address}: it stands in for a card that is not connected"
        yield Finding("network-alone", WARN, said, hint)
    elif all(state.get(card) in _CUT for card in real):
        said = f"{', '.join(real)} has no link: its cable is out, or it is switched off"
        yield Finding("network-link", WARN, said, hint, tuple(f"{card}: operstate {state[card]}" for card in real))


def _lead(facts: Facts, declared: Declared) -> Iterator[Finding]:
    said = facts.one("lead")
    if not said:
        return
    about = "network-lead"
    if said == "silent":
        hint = "is it switched on, on the same network, and does a switch keep them apart? (ping may be filtered, too)"
        yield Finding(about, WARN, f"the store's server {declared.lead} does not answer a ping from here", hint)
    elif said.startswith("small"):
        hint = "a switch or tunnel on the way takes less: give both nodes' cards the MTU that fits through"
        size = said.partition(" ")[2]
        yield Finding(about, WARN, f"packets of {size} bytes do not get through to the server {declared.lead}", hint)
    else:
        yield Finding(about, OK, f"the server {declared.lead} answers, with packets of {said} bytes")


def _ports(facts: Facts, role: str) -> Iterator[Finding]:
    if not facts.one("ss-tool"):
        yield Finding(
            "network-ports", UNKNOWN, "the program ss is not installed: ports are not known", "apt-get install iproute2"
        )
        return
    taken = {}
    for line in facts.all("port"):
        protocol, place, *who = line.split()
        port = place.rpartition(":")[2]
        found = _PROGRAM.search(" ".join(who))
        name = f"{found[1]} (pid {found[2]})" if found else "the kernel, or nobody that is known"
        if not (found and found[1].startswith("k3s")):  # that is said by its own name
            taken[port] = (protocol, name)
    for port, (protocol, name) in sorted(taken.items()):
        must = port in _MUST.get(role, _MUST["server"])
        hint = f"stop it, or let it listen elsewhere: ss -lnp 'sport = :{port}' names it"
        yield Finding(
            "network-ports", STOP if must else WARN, f"port {port}/{protocol} of {_NAMED[port]} is {name}'s", hint
        )
    if not taken:
        yield Finding("network-ports", OK, "the ports of Kubernetes are free")
