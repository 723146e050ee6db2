"""The payload: what one store should become, as data.

Owns: the shape that the operator writes and the node reads. Nothing here is a template; every text is final.
Same inventory and templates give the same bytes, so "nothing new" is one comparison of digests.
A change of shape raises FORMAT; a node refuses a format that it does not know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any

from edgectl.wire.chain import Chain
from edgectl.wire.document import LATER, canonical, digest_of, from_json, joined
from edgectl.wire.host import Os
from edgectl.wire.rollout import Rollout
from edgectl.wire.trust import Trust

FORMAT = 1
# without these, a payload has the name that it had before they were known
_LATER = ("secrets", "facts", "guard", "trust", "models", "uplink", "chain", "backup")


@dataclass(frozen=True, slots=True)
class ManagedFile:
    """One file on the node, owned by root. `mode` is octal text ("0644")."""

    path: str
    text: str
    mode: str = "0644"


@dataclass(frozen=True, slots=True)
class ManagedFolder:
    """One folder on the node that a pod's user writes in. What lies in it is the pod's, and stays for ever."""

    path: str
    owner: int  # user and group
    mode: str = "0700"


@dataclass(frozen=True, slots=True)
class Host:
    """What the operating system must offer and carry."""

    free_bytes: int  # needed on the file system of /var/lib before anything is changed
    files: tuple[ManagedFile, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    folders: tuple[ManagedFolder, ...] = field(default=(), metadata=LATER)  # of the apps, as images are
    os: Os | None = field(default=None, metadata=LATER)  # where anything of it is declared


@dataclass(frozen=True, slots=True)
class Image:
    """One container image archive (docker-archive or OCI tar, uncompressed) that k3s imports from its images folder."""

    archive: str  # digest of the blob
    refs: tuple[str, ...]  # names as containerd lists them, e.g. docker.io/rancher/mirrored-pause:3.6


@dataclass(frozen=True, slots=True)
class K3s:
    """The Kubernetes of this node. `files` are everything k3s reads at its start: a change of one needs a restart."""

    version: str  # v1.36.3+k3s1, as `k3s --version` and the API's /version say it
    binary: str  # digest of the blob
    unit: str  # k3s.service or k3s-agent.service
    files: tuple[ManagedFile, ...]  # config.yaml, registries.yaml, kubelet.conf.d/*, the unit and its drop-in
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class Helm:
    """Helm on the node; it is run only when a release differs."""

    version: str  # v4.3.1
    binary: str  # digest of the blob


@dataclass(frozen=True, slots=True)
class Gpu:
    """How many GPUs the node declares and how many it needs to serve (`required` <= `count`)."""

    resource: str
    count: int
    required: int
    hold_seconds: float = 3.0  # allocatable must stay at its number this long
    offers: dict[str, int] = field(default_factory=dict)  # by resource, all GPUs together; empty: as many as GPUs
    uuids: tuple[str, ...] = ()  # as the inventory knows these very cards; empty: any
    driver: str = ""  # declared versions, to compare with; empty: any
    toolkit: str = ""

    @property
    def offered(self) -> dict[str, int]:
        """Return how many devices of each resource the plugin offers when all GPUs are well.

        They differ from GPUs where one is shared (MIG, time-slicing).
        """
        return self.offers or {self.resource: self.count}

    @property
    def least(self) -> dict[str, int]:
        """Return how many devices of each resource `required` GPUs offer, a share rounded up."""
        return {name: -(-number * self.required // self.count) for name, number in self.offered.items()}


@dataclass(frozen=True, slots=True)
class Guard:
    """What the cluster refuses: pods that use a GPU and do not wait for its proof."""

    resources: tuple[str, ...]  # what GPUs are called on the store's nodes
    runtime_classes: tuple[str, ...]  # a pod on one of them sees GPUs without asking for one
    exempt: tuple[str, ...]  # namespaces that are not asked


@dataclass(frozen=True, slots=True)
class Release:
    """One Helm release. `digest` is over chart and values: it is stored with the release and compared first."""

    name: str
    namespace: str
    chart: str  # digest of the chart archive's blob
    values: dict[str, Any]
    digest: str
    manifests: tuple[dict[str, Any], ...]  # what Helm renders, as JSON, rendered once by the operator
    needs: tuple[str, ...] = ()  # names of gates that hold this release up, e.g. ("gpu",)
    timeout_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class StoreSecret:
    """One Kubernetes Secret, without its values: those come beside the payload and stay in one place of the node.

    `keys` name an opaque version each: it says that a value is another one, and nothing about the value.
    """

    name: str
    namespaces: tuple[str, ...]
    keys: dict[str, str]
    type: str = "Opaque"


@dataclass(frozen=True, slots=True)
class Inference:
    """The question that proves inference: Open Inference Protocol v2, one request with its known answer."""

    namespace: str
    service: str
    port: int
    model: str
    request: dict[str, Any]
    answer: tuple[float, ...]
    tolerance: float = 1e-4


@dataclass(frozen=True, slots=True)
class Model:
    """One version of a model for the node's registry. `files` are names below its folder, and their blobs."""

    name: str
    version: str
    files: dict[str, str]
    variant: str = ""

    @property
    def digest(self) -> str:
        """Its name among versions: that of its files, whatever it is called."""
        return digest_of(canonical(dict(sorted(self.files.items()))))

    @property
    def folder(self) -> str:
        """Its folder among versions: one that says as much to people, and never means other bytes."""
        return f"{self.version}-{self.digest.removeprefix('sha256:')[:12]}"


@dataclass(frozen=True, slots=True)
class Models:
    """What the store's models should be; `next` is brought ahead, in good hours, and used by nobody yet."""

    current: tuple[Model, ...]
    next: tuple[Model, ...] = ()
    budget_bytes: int = 0  # for all versions together; 0: no limit, and none is kept that nobody needs
    sizes: dict[str, int] = field(default_factory=dict)  # digest -> bytes of the files of `next`
    rollouts: dict[str, Rollout] = field(default_factory=dict, metadata=LATER)  # by name; none: the switch at once


@dataclass(frozen=True, slots=True)
class Uplink:
    """Where the node tells of itself when it can."""

    url: str  # https://...; http:// only to this machine or the store's own network
    secret: str = ""  # the store's secret and its key, NAME/KEY, that is sent as a bearer token
    budget_bytes: int = 64 << 20  # of what waits on the node


@dataclass(frozen=True, slots=True)
class Backup:
    """How often the lead keeps a copy of its cluster, and how many of them."""

    every_seconds: float
    keep: int
    at: str = ""  # 03:00, in `zone`; "": whenever it is time
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One node's part of the payload."""

    name: str
    role: str  # server | agent
    address: str  # on the store's own network
    host: Host
    k3s: K3s
    helm: Helm | None = None
    gpu: Gpu | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """The desired state of one store."""

    store: str
    title: str
    nodes: tuple[Node, ...]
    releases: tuple[Release, ...]
    blobs: dict[str, int]  # digest -> size in bytes: all that the nodes must hold together, and nothing else
    inference: Inference | None = None
    secrets: tuple[StoreSecret, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)  # what the store's pods may know of it; no secret
    guard: Guard | None = None
    trust: Trust | None = None
    models: Models | None = None
    uplink: Uplink | None = None
    chain: Chain | None = None
    backup: Backup | None = None
    format: int = FORMAT

    def encode(self) -> bytes:
        """Return the canonical bytes; what came later than the format is left out where there is none of it."""
        doc = {field.name: getattr(self, field.name) for field in fields(self)}
        return joined({key: value for key, value in doc.items() if value or key not in _LATER})

    @property
    def digest(self) -> str:
        """The payload's name."""
        return digest_of(self.encode())

    @property
    def lead(self) -> Node:
        """The store's first server: it alone does what concerns the whole cluster, and the others follow it."""
        return next((node for node in self.nodes if node.role == "server"), self.nodes[0])

    def blobs_of(self, node: Node) -> dict[str, int]:
        """Return what one node must hold: the lead everything, the others their k3s, the images and the models."""
        if node.name == self.lead.name:
            return self.blobs
        names = {node.k3s.binary, *(image.archive for image in node.k3s.images)}
        for model in self.models.current if self.models else ():
            names |= set(model.files.values())
        if node.host.os is not None:
            names |= node.host.os.packages.blobs
        return {digest: size for digest, size in self.blobs.items() if digest in names}

    def node(self, name: str) -> Node:
        """Return one node's part; KeyError when the store has no such node."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)


def part_of(node: Node) -> str:
    """Return the name of what one node should be: it is that, or it is not, whatever else is new in the store."""
    images = tuple(sorted(node.k3s.images, key=lambda image: image.archive))  # in no order that matters
    return digest_of(canonical(replace(node, k3s=replace(node.k3s, images=images))))


def decode(data: bytes) -> Payload:
    """Read a payload; ValueError says what does not fit, a newer format included."""
    doc = json.loads(data)
    found = doc.get("format") if isinstance(doc, dict) else None
    if found != FORMAT or type(found) is not int:
        raise ValueError(f"payload format {found} is not known here (this runtime reads format {FORMAT})")
    return from_json(Payload, doc)
