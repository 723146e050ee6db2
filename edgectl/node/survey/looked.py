"""All findings about this machine, in one look. Changes nothing, and needs nothing to have been deployed.

Owns: the order of subjects, and that each that could not be read to its end is a finding of its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import deployed
from edgectl.node.host.box import Box, box_of, disk_bytes, memory_bytes
from edgectl.node.host.box import judge as judge_box
from edgectl.node.host.machine import sizes
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.judged import may_follow
from edgectl.node.receive import absent
from edgectl.node.rest import rest
from edgectl.node.survey import clock, cluster, disk, facts, gpu, memory, network, others, packages, resolver, system
from edgectl.wire.errors import NotReady, Refused
from edgectl.wire.finding import OK, STOP, UNKNOWN, Finding
from edgectl.wire.meant import Meant
from edgectl.wire.payload import Node, Payload
from edgectl.wire.survey import Declared

_SUBJECTS = ("system", "disk", "memory", "clock", "network", "names", "packages", "gpu")


def looked(look: Look, declared: Declared, *, asked: float | None, now: float) -> tuple[Finding, ...]:
    """Look at everything. `asked`: the operator's clock when the question left him; `now`: this one's when it came."""
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(facts.read, look, declared)
        slots = Slots(look.places)
        ours = bool(slots.all()) or look.places.restored.is_file()
        runs = cluster.ask(look)
        box = box_of(look, gpus=declared.gpu is not None)
        seen = reading.result()
    cards = None if box.gpus is None else len(box.gpus)
    judges: dict[str, Callable[[], Iterator[Finding]]] = {
        "machine": lambda: _machine(look, declared, box),
        "system": lambda: system.judge(seen, declared),
        "disk": lambda: _disk(look, seen, declared),
        "memory": lambda: memory.judge(seen),
        "clock": lambda: clock.judge(seen, now=now, asked=asked),
        "network": lambda: network.judge(seen, declared, ours=ours),
        "names": lambda: network.names(seen, declared, silent=resolver.silent(seen.all("nameserver"))),
        "packages": lambda: packages.judge(seen, declared, packages.holders(look)),
        "gpu": lambda: gpu.judge(seen, declared, listed=cards),
        "others": lambda: _others(look, declared, ours=ours),
        "cluster": lambda: cluster.judge(runs, declared, ours=ours),
        "k3s": lambda: cluster.age(look, now=now),
        "k3s-version": lambda: _version(look, declared),
        "removal": lambda: _removal(look.places),
    }
    return tuple(one for subject, judge in judges.items() for one in _judged(subject, judge, seen))


def _judged(subject: str, judge: Callable[[], Iterator[Finding]], seen: facts.Facts) -> Iterator[Finding]:
    """Yield a subject's findings; of what was not read to its end, that alone: half of it proves nothing."""
    about = {"system": "os", "names": "network-names", "cluster": "others-cluster"}.get(subject, subject)
    if subject in _SUBJECTS and subject not in seen.done:
        hint = "a program hangs there, most often a disk's or a GPU's; look for it with ps"
        yield Finding(about, UNKNOWN, f"it could not be read in {facts.LIMIT_SECONDS:.0f} s", hint)
        return
    try:
        yield from tuple(judge())
    except (LookFailed, OSError) as failure:
        reason = failure.reason if isinstance(failure, LookFailed) else f"{failure.strerror or failure}"
        yield Finding(about, UNKNOWN, reason, "look at the node's disk, then run the same command again")


def patiently(
    places: Places, declared: Declared, beat: Callable[[], None], *, every_seconds: float, asked: float
) -> tuple[Finding, ...]:
    """Look; meanwhile, who asks hears a beat."""
    now = time.time()
    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(looked, Look(places), declared, asked=asked, now=now)
        while not wait([looking], timeout=every_seconds).done:
            beat()
    return looking.result()


def here(places: Places) -> Declared:
    """Return what this node knows of itself at the rack: what was deployed to it, nothing on a bare one."""
    try:
        payload, node = deployed(places)
    except NotReady:
        return Declared()
    return declared_of(payload, node)


def declared_of(payload: Payload, node: Node) -> Declared:
    """Return what is meant, from a payload: its content is there already."""
    wanted = node.host.os.packages if node.host.os else None
    return Declared(
        store=payload.store,
        node=node.name,
        role=node.role,
        address=node.address,
        lead=payload.lead.address if payload.lead.name != node.name else "",
        machine=node.host.os.machine if node.host.os else None,
        gpu=node.gpu,
        free_bytes=node.host.free_bytes,
        packages=tuple(one.name for one in (*wanted.wanted, *wanted.gpu)) if wanted else (),
        releases=tuple(f"{one.namespace}/{one.name}" for one in payload.releases),
    )


def _machine(look: Look, declared: Declared, box: Box) -> Iterator[Finding]:
    machine, gpus = declared.machine, declared.gpu
    meant = Meant(
        machine.serial if machine else "",
        machine.macs if machine else (),
        gpus.uuids if gpus else (),
        gpus.count if gpus else 0,
    )
    yield from judge_box(box, meant)
    if machine is not None:
        yield from sizes(machine, memory=memory_bytes(look), disk=disk_bytes(look))


def _disk(look: Look, seen: facts.Facts, declared: Declared) -> Iterator[Finding]:
    folder = look.places.state if look.places.state.is_dir() else look.places.root
    found = os.statvfs(folder)
    room = disk.Room(found.f_bavail * found.f_frsize, found.f_favail, found.f_files)
    missing = sum(declared.blobs[digest] for digest in absent(look.places, declared.blobs))
    yield from disk.judge(seen, room, missing_bytes=missing, free_bytes=declared.free_bytes)


def _version(look: Look, declared: Declared) -> Iterator[Finding]:
    """Yield whether the declared k3s may follow what runs; a deploy is refused by the same judgement."""
    if declared.k3s is None:
        return
    try:
        may_follow(look.places, declared.store, declared.k3s, declared.node)
    except Refused as no:
        yield Finding("k3s-version", STOP, no.message, no.hint)
        return
    yield Finding("k3s-version", OK, f"{declared.k3s.of.get(declared.node, '')} may run here")


def _removal(places: Places) -> Iterator[Finding]:
    """Yield that what is here goes: no deploy is taken meanwhile."""
    if (found := rest(places)) and found.removes:
        yield Finding("removal", STOP, f"this store is {found.sentence}", found.hint)


def _others(look: Look, declared: Declared, *, ours: bool) -> Iterator[Finding]:
    agent, take_over = declared.role == "agent", declared.take_over
    yield from others.judge(others.there(look), ours=ours, agent=agent, take_over=take_over)
