"""The payloads of the simulated store: two good ones, a bad app, and a bad app on a changed base."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from edgectl.control.deploy.offer import Offer
from edgectl.wire.chain import Chain, Endpoint
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.envelope import Sender
from edgectl.wire.host import ENABLED, Deb, Os, Package, Packages, Reboots, Service, TimeSync
from edgectl.wire.payload import Gpu, Guard, Helm, Host, Image, Inference, K3s, ManagedFile, Node, Payload, Release
from edgectl.wire.thing import PAYLOAD, things
from tests.archives import canonical_archive, plain_tar

ADA = Sender("ada", "laptop")
GRACE = Sender("grace", "desk")
RUNTIME = digest_of(b"engine")
_DEPLOYMENT = {"kind": "Deployment", "metadata": {"name": "x"}}
_LAYERS = plain_tar({"both": hashlib.shake_128(b"layers that both images have").digest(1500)})
CONTENT = {name: name.encode() * 40 for name in ("k3s", "helm", "chart")}
CONTENT |= {f"{name}-{version}": f"{name} {version}".encode() for name in ("chrony", "driver") for version in "1234"}
CONTENT |= {name: canonical_archive(name, _LAYERS) for name in ("image-1", "image-2")}
FACTS = Os(modules=("br_netfilter",), services=(Service("chrony.service", ENABLED),), time=TimeSync(("10.77.0.1",)))
BLOBS = {digest_of(data): data for data in CONTENT.values()}


def _blob(name: str) -> str:
    return digest_of(CONTENT[name])


def _release(name: str, *, values: dict[str, object], needs: tuple[str, ...] = ()) -> Release:
    digest = digest_of(canonical([name, values]))
    return Release(name, name, _blob("chart"), values, digest, (_DEPLOYMENT,), needs, timeout_seconds=20)


def payload(
    *,
    base: str = "1",
    app: str = "1",
    bad: bool = False,
    extra: bool = False,
    title: str = "Berlin",
    os: Os | None = None,
) -> Payload:
    """Return one; `extra` adds a release that others do not have; with `os`, a changed base restarts the machine."""
    image = f"image-{app if app in '12' else '2'}"
    files = (ManagedFile("/etc/store.conf", base),)
    debs = tuple(Deb(name, base, "all", _blob(f"{name}-{base}")) for name in ("chrony", "driver"))
    packages = Packages((Package("chrony", base),), (Package("driver", base, hold=True),), debs)
    k3s = K3s("v1.36.3+k3s1", _blob("k3s"), "k3s.service", (), (Image(_blob(image), (f"vision:{app}",)),))
    node = Node(
        "node-1",
        "server",
        "10.77.0.11",
        Host(1, files, os=replace(FACTS, packages=packages, reboots=os.reboots if os else Reboots(most=0))),
        k3s,
        Helm("v4", _blob("helm")),
        Gpu("nvidia.com/gpu", 1, 1),
    )
    releases = [
        _release("plugin", values={}),
        _release("vision", values={"image": app, "bad": bad}, needs=("gpu",)),
    ]
    if extra:
        releases.insert(1, _release("extra", values={}))
    names = ("k3s", "helm", "chart", image, *(f"{deb.name}-{deb.version}" for deb in debs))
    blobs = {_blob(name): len(CONTENT[name]) for name in names}
    question = Inference("vision", "vision", 8000, "m", {}, (0.0,))
    guard = Guard(("nvidia.com/gpu",), ("nvidia",), ("kube-system",))
    chain = Chain("vision", {"camera": Endpoint("camera", 9100)})
    return Payload("store-042", title, (node,), tuple(releases), blobs, question, guard=guard, chain=chain)


OLD_IMAGE = _blob("image-1")
A = payload()
A2 = payload(title="Berlin Mitte")
B = payload(base="1", app="2", extra=True)
B_BASE = payload(base="2", app="2")
BAD = payload(app="2", bad=True, extra=True)
BAD_BASE = payload(base="2", app="2", bad=True)
R = payload(base="3", os=Os(modules=("nvidia",)))
R2 = payload(base="4", app="2", os=Os(modules=("nvidia",)))
BAD_R = payload(base="4", app="2", bad=True, os=Os(modules=("nvidia",)))
_NAMED = {"A": A, "A2": A2, "B": B, "B'": B_BASE, "bad": BAD, "bad'": BAD_BASE, "R": R, "R2": R2, "badR": BAD_R}
NAMES = {one.digest: name for name, one in _NAMED.items()}


def offer(of: Payload, sender: Sender = ADA) -> Offer:
    """Return what a deploy of it offers."""
    data = of.encode()
    sources = {digest: BLOBS[digest] for digest in of.blobs}
    return Offer(
        store=of.store,
        node="node-1",
        payload=of.digest,
        runtime=RUNTIME,
        blobs={**of.blobs, of.digest: len(data)},
        sources={**sources, of.digest: data},
        sender=sender,
    )


def named(of: Payload) -> Offer:
    """Return an offer that says of what each blob is: what the node has of it need not travel again."""
    return replace(offer(of), names={**things(of), of.digest: PAYLOAD})


def again(of: Offer, sender: Sender) -> Offer:
    """Return the same from somebody else."""
    return replace(of, sender=sender)
