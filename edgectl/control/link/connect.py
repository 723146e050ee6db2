"""From a target to a link: TCP, the pinned host key, one log-in; every wait with a deadline.

Owns the sentences for what can go wrong before a command runs. Must not know what runs over the link.
"""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from dataclasses import replace

from edgectl.control.link.dial import dial
from edgectl.control.link.hostkey import HostKey, fingerprint, pinned
from edgectl.control.link.keys import Candidate, Offer, agent_keys, offer
from edgectl.control.link.link import Link
from edgectl.control.link.lost import WrongHostKey
from edgectl.control.link.meter import MeteredSocket
from edgectl.control.link.ssh import paramiko
from edgectl.control.link.target import Target
from edgectl.control.link.transport import Transport
from edgectl.wire.errors import Unreachable

_LOG = "edgectl.link"
logging.getLogger(_LOG).addHandler(logging.NullHandler())  # SSH's log goes where the program says, else nowhere


def connect(target: Target) -> Link:
    """Open the one connection to a node.

    Raises Unreachable with a sentence (network, host key, log-in); InvalidInput when the pinned key is no key.
    """
    key = pinned(target.host_key, node=target.node)
    with agent_keys(ask=target.agent) as held:
        return _connect(target, key, offer(target.keys, held))


def _connect(target: Target, key: HostKey, keys: Offer) -> Link:
    if not keys.candidates:
        raise Unreachable(
            f"there is no key to log in to {target.where} with",
            hint="name a private key file for the node in the inventory, or add one to the SSH agent: ssh-add",
            details=keys.problems,
        )
    sock, via = reached(target)
    transport = Transport(sock)
    try:
        _exchange(transport, target, key)
        used = _log_in(transport, target, keys)
    except BaseException:
        transport.close()
        sock.close()
        if via is not None:
            via.close()
        raise
    sock.watch(transport.probe)
    return Link(target=target, transport=transport, sock=sock, key=used, via=via)


def reached(target: Target) -> tuple[MeteredSocket, Link | None]:
    """Return a connection to a node's SSH port, and the link to its last jump host, which it goes through.

    Unreachable says why there is none, and at which host of the way.
    """
    if not target.jump:
        return MeteredSocket(_dialled(target), silence_seconds=target.silence_seconds), None
    *before, last = target.jump
    via = connect(replace(last, jump=tuple(before), silence_seconds=target.silence_seconds))
    try:
        channel = via.forward(target.host, target.port, what=target.where)
        return MeteredSocket(channel, silence_seconds=target.silence_seconds), via
    except BaseException:
        via.close()
        raise


def _dialled(target: Target) -> socket.socket:
    """Return a TCP connection to a node; Unreachable says why there is none."""
    try:
        return dial(target.host, target.port, seconds=target.connect_seconds)
    except socket.gaierror as error:
        raise Unreachable(
            f"{target.where}: the name {target.host} has no address",
            hint="check the node's ssh host in the inventory, and the name service here",
            details=(str(error),),
        ) from error
    except TimeoutError as error:
        raise Unreachable(
            f"{target.where} did not answer within {target.connect_seconds:.0f} s",
            hint="is the node on, and is its network reachable from here (VPN, firewall)?",
            details=(str(error),),
        ) from error
    except ConnectionRefusedError as error:
        raise Unreachable(
            f"{target.where} refused the connection",
            hint="is sshd running there, on that port?",
            details=(str(error),),
        ) from error
    except OSError as error:
        raise Unreachable(
            f"{target.where} is not reachable: {error.strerror or error}",
            hint="check the address in the inventory and the route from here (VPN)",
            details=(str(error),),
        ) from error


def exchanged(transport: Transport, target: Target, algorithms: tuple[str, ...], *, hint: str) -> bytes:
    """Exchange keys; return the public host key that the server has proved to hold.

    Raises Unreachable; `hint` is for a server that has a key of none of the algorithms.
    """
    transport.set_log_channel(_LOG)
    transport.offer_only(algorithms)
    try:
        transport.exchange(seconds=target.connect_seconds)
        return transport.get_remote_server_key().asbytes()
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise Unreachable(f"{target.where} and edgectl have no SSH algorithm in common: {error}", hint=hint) from error
    except TimeoutError as error:
        raise Unreachable(
            f"{target.where} accepts connections but did not finish SSH's key exchange "
            f"within {target.connect_seconds:.0f} s",
            hint="the node hangs or the line is very slow; try again, then look at it on the spot",
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unreachable(
            f"{target.where} does not speak SSH as expected: {_words(error)}",
            hint="is this the node's sshd, on that port?",
        ) from error


def _exchange(transport: Transport, target: Target, key: HostKey) -> None:
    """Exchange keys and let the server prove that it holds the pinned one."""
    hint = f"the pinned key is {key.kind} {key.fingerprint}; does the node still have a key of that type?"
    server = exchanged(transport, target, key.algorithms, hint=hint)
    if server != key.blob:
        raise WrongHostKey(
            f"{target.where} shows another host key than the pinned one: "
            f"pinned {key.fingerprint}, shown {fingerprint(server)}",
            hint="if the node was reinstalled or replaced, read the new key at the node itself "
            "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and pin it in the inventory; "
            "if not, someone stands between you and the node: do not go on",
        )


def _log_in(transport: Transport, target: Target, keys: Offer) -> Candidate:
    """Offer the keys one after the other."""
    tried: list[str] = []
    for candidate in keys.candidates:
        tried.append(f"{candidate.label}  {candidate.fingerprint}")
        try:
            transport.log_in(target.user, candidate.key)
        except paramiko.AuthenticationException as error:
            if not transport.is_active():
                raise _refused(target, tried, keys, _words(error)) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            if transport.is_active():  # this key cannot sign (an agent's token is out); another one may
                tried[-1] += f" ({_words(error)})"
                continue
            raise _refused(target, tried, keys, _words(error)) from error
        else:
            return candidate
    raise _refused(target, tried, keys, "")


def _refused(target: Target, tried: list[str], keys: Offer, why: str) -> Unreachable:
    return Unreachable(
        f"{target.host} lets {target.user} in with none of {len(tried)} keys ({target.node})"
        + (f": {why}" if why else ""),
        hint=f"add one of these keys to ~{target.user}/.ssh/authorized_keys on the node, "
        "or name the right key file or user in the inventory",
        details=(*(f"tried {line}" for line in tried), *keys.problems),
    )


def _words(error: BaseException) -> str:
    """Return an exception's own words, in one line."""
    text = ""
    with suppress(IndexError):
        text = str(error).strip().splitlines()[0]
    return text or "the connection was closed"
