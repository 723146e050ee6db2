"""One store, resolved: what link, payload and deploy work with.

Owns the shape. Nothing downstream reads the inventory; the layers and their places stay here, for explanations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgectl.control.inventory.install import InstallSettings
from edgectl.control.inventory.jump import JumpTarget
from edgectl.control.inventory.place import Place
from edgectl.control.inventory.tree import Tree
from edgectl.control.secrets.reference import Reference
from edgectl.wire.host import Machine, Reboots, Service, TimeSync, User
from edgectl.wire.rollout import Rollout

if TYPE_CHECKING:
    from edgectl.control.inventory.policy_schema import Policy
    from edgectl.wire.hours import Window
    from edgectl.wire.payload import Backup

DEFAULT_ARCH = "amd64"
_NOWHERE = Place("", 1, 1)


@cache
def folder_of(source: Path) -> Path:
    """Return the folder of an inventory file: what the inventory names is seen from there."""
    return source.resolve().parent


@dataclass(frozen=True, slots=True)
class Launch:
    """How a deploy user comes in: by the node's launcher, with what a key of the trust has signed for this store."""

    store: str
    trust: Path | None
    keys: tuple[str, ...]  # the public keys that the inventory lets him log in with


@dataclass(frozen=True, slots=True)
class SshTarget:
    """How to reach a node. `host_key` is its pinned public key ("ssh-ed25519 AAAA..."), `keys` are private key files.

    `sudo_password` says where the sudo password is found, None where sudo asks for none. `launch` is there where `user`
    is one of the node's own deploy users (host.users): he does not become root. `jump` are the hosts on the way.
    """

    host: str
    port: int
    user: str
    host_key: str
    keys: tuple[Path, ...] = ()
    agent: bool = True
    sudo_password: Reference | None = None
    connect_seconds: float = 15.0
    launch: Launch | None = None
    jump: tuple[JumpTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class HostFile:
    """One file that the inventory declares."""

    path: str
    text: str
    mode: str
    restarts: tuple[str, ...] = ()  # units that read it at their start


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What the operating system must offer and carry."""

    free_bytes: int
    files: tuple[HostFile, ...]
    sysctls: dict[str, str]
    packages: tuple[tuple[str, str], ...] = ()  # name and version; "": the bundle's newest
    modules: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    users: tuple[User, ...] = ()
    time: TimeSync | None = None
    journal_bytes: int = 0  # 0: as the system has it
    machine: Machine | None = None
    reboots: Reboots = field(default_factory=Reboots)


@dataclass(frozen=True, slots=True)
class K3sSettings:
    """The Kubernetes of a node; `registries` is None where none are declared."""

    version: str
    config: dict[str, Any]
    kubelet: dict[str, Any]
    registries: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class GpuSettings:
    """GPUs of a node: `required` <= `count`."""

    resource: str
    count: int
    required: int
    hold_seconds: float
    offers: dict[str, int] = field(default_factory=dict)
    uuids: tuple[str, ...] = ()
    driver: str = ""
    toolkit: str = ""
    packages: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NodeTarget:
    """One machine of the store."""

    name: str
    role: str
    address: str
    ssh: SshTarget
    host: HostSettings
    k3s: K3sSettings
    gpu: GpuSettings | None
    arch: str = DEFAULT_ARCH
    install: InstallSettings | None = None  # how the machine is first installed


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Which pods must wait for the proof of GPUs besides those that ask for one, and where nobody asks."""

    exempt: tuple[str, ...]
    runtime_classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """One Helm release; `chart` is still a name."""

    name: str
    chart: str
    namespace: str
    values: dict[str, Any]
    needs: tuple[str, ...]
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """The question that proves inference; `reference` is the file with request and answer."""

    release: str
    service: str
    port: int
    model: str
    reference: Path


@dataclass(frozen=True, slots=True)
class SecretSettings:
    """One secret of the store: where each key's value is found. No namespaces: those of the releases."""

    name: str
    keys: dict[str, Reference]
    namespaces: tuple[str, ...] = ()
    type: str = "Opaque"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """One version of a model for the nodes' registry; `source` is its file, or a folder of files, that may be gone.

    `where` says it in the inventory: ("models", NAME) or ("models", NAME, "next").
    """

    name: str
    version: str
    variant: str
    source: Path
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelsSettings:
    """The store's models that nodes keep: what runs, what is brought ahead and at which hours (none: at any)."""

    current: tuple[ModelSettings, ...] = ()
    next: tuple[ModelSettings, ...] = ()
    budget_bytes: int = 0
    hours: tuple[Window, ...] = ()
    rollouts: Mapping[str, Rollout] = field(default_factory=dict)  # by name; none: the switch at once


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """The most that deploys may send, in bytes a second; always, or in the hours of `window`."""

    bytes_per_second: float
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """The store's line as deploys see it: bytes a second downward where that is known, and the caps."""

    downlink: float | None = None
    limits: tuple[LimitSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """Where nodes tell of themselves; `secret` is NAME/KEY, "" for none."""

    url: str
    secret: str
    budget_bytes: int


@dataclass(frozen=True, slots=True)
class DependencySettings:
    """Something else that the store needs. `kind`: http, tcp, mqtt or exec."""

    name: str
    kind: str
    target: str = ""
    command: tuple[str, ...] = ()
    expect: str = ""
    required: bool = False
    after: str = ""
    timeout_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """What is said of the chain. `declared`: something is; else there is one where a release has a camera service."""

    declared: bool = False
    enabled: bool = True
    release: str = ""
    canary_ms: float = 500.0
    required: tuple[str, ...] | None = None
    dependencies: tuple[DependencySettings, ...] = ()


@dataclass(frozen=True, slots=True)
class Store:
    """One store of the inventory. `source` is the inventory file; `bundle` a directory that may be absent."""

    name: str
    title: str
    nodes: tuple[NodeTarget, ...]
    releases: tuple[ReleaseSettings, ...]
    images: tuple[str, ...]
    helm_version: str
    inference: InferenceSettings | None
    source: Path
    bundle: Path
    bundle_at: Place
    guard: GuardSettings
    tree: Tree = field(repr=False, compare=False)
    secrets: tuple[SecretSettings, ...] = ()
    groups: tuple[str, ...] = ()
    profile: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    policy: Policy | None = None
    network: NetworkSettings = NetworkSettings()
    trust: Path | None = None  # the file of keys whose signatures count; it may be absent
    trust_at: Place = _NOWHERE
    models: ModelsSettings = ModelsSettings()
    uplink: UplinkSettings | None = None
    chain: ChainSettings = ChainSettings()
    backup: Backup | None = None
    lab: bool = False  # its machines may be struck: `edgectl accept`

    def place(self, *path: str | int) -> Place:
        """Return where the inventory says this ("releases", "vision-stack", "chart"), or the nearest line to it."""
        return self.tree.nearest(*path).at

    @property
    def lead(self) -> NodeTarget:
        """The store's server: deploys go to it first, and what it says is the store's word."""
        return next((node for node in self.nodes if node.role == "server"), self.nodes[0])

    @property
    def followers(self) -> tuple[NodeTarget, ...]:
        """The other nodes."""
        return tuple(node for node in self.nodes if node.name != self.lead.name)

    def node(self, name: str = "") -> NodeTarget:
        """Return a node by name, the lead without; KeyError when there is none."""
        return {node.name: node for node in self.nodes}[name] if name else self.lead
