"""What an inventory may say: every key, its type and its meaning.

Owns keys and types of one layer (defaults, a group, a store); every key may be missing in a layer.
Must not know how layers merge, nor what a whole store needs (rules.py).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from edgectl.control.inventory.backup_schema import Backup
from edgectl.control.inventory.chain_schema import Chain
from edgectl.control.inventory.host_schema import Host, Packages
from edgectl.control.inventory.install_schema import Install
from edgectl.control.inventory.jump_schema import Jump
from edgectl.control.inventory.model_schema import Model
from edgectl.control.inventory.network_schema import ClockTime, Day, Network
from edgectl.control.inventory.policy_schema import Policy
from edgectl.control.inventory.secret_schema import SecretReference, StoreSecret
from edgectl.control.inventory.section import Label, Line, Section, Size, Title, Word
from edgectl.control.inventory.uplink_schema import Uplink
from edgectl.control.policy.versions import asked_range


def _versions(value: str) -> str:
    asked_range(value)
    return value


ReleaseName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$")]
Versions = Annotated[str, AfterValidator(_versions), WithJsonSchema({"type": "string"})]
Port = Annotated[int, Field(ge=1, le=65535)]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)+([-+~.][0-9A-Za-z.+~-]+)?$")]
Mac = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")]
GpuId = Annotated[str, StringConstraints(pattern=r"^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$")]
RuntimeClass = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class Ssh(Section):
    """How the operator reaches the node."""

    host: Word | None = Field(
        default=None, description="Name or address to connect to; the node's address when not given."
    )
    port: Port = Field(default=22, description="Of its SSH server.")
    user: Word = Field(
        default="root",
        description="One of host.users brings what is signed (docs/users.md); any other but root needs sudo.",
    )
    keys: list[Line] = Field(default=[], description="Private key files, tried in this order; ~ is your home.")
    agent: bool = Field(default=True, description="Ask a running SSH agent, too.")
    sudo_password: SecretReference | None = Field(default=None, description="Only where sudo asks for one.")
    connect_seconds: Seconds = Field(default=15.0, description="Deadline of each step of connecting.")
    jump: Annotated[list[Jump], Field(max_length=8)] = Field(
        default=[], description="Hosts that the connection goes through, yours first: docs/inventory.md."
    )


class K3s(Section):
    """The Kubernetes of the nodes."""

    version: str | None = Field(
        default=None,
        description="As k3s says it itself, e.g. v1.36.3+k3s1.",
        pattern=r"^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?\+k3s\d+$",
    )
    config: dict[str, Any] = Field(default={}, description="Any key of k3s's config.yaml.")
    kubelet: dict[str, Any] = Field(default={}, description="Any field of KubeletConfiguration.")
    registries: dict[str, Any] | None = Field(default=None, description="The content of k3s's registries.yaml.")


class Helm(Section):
    """Helm, on the operator's machine and on the nodes."""

    version: str | None = Field(
        default=None, description="As Helm says it itself, e.g. v4.3.1.", pattern=r"^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$"
    )


class Hardware(Section):
    """The machine of a node."""

    arch: Literal["amd64", "arm64"] = Field(default="amd64", description="Which k3s, Helm and images it gets.")
    memory: Size | None = Field(default=None, description="Memory that is built in.")
    disk: Size | None = Field(default=None, description="Size of the system disk.")


class Gpu(Section):
    """How many GPUs a node has, and how many it needs to serve."""

    model: Line | None = Field(default=None, description="As nvidia-smi names it, e.g. Tesla T4.")
    memory: Size | None = Field(default=None, description="Memory of each GPU.")
    driver: Version | None = Field(default=None, description="Version of the driver, e.g. 570.86.15.")
    toolkit: Version | None = Field(default=None, description="Version of the container toolkit, e.g. 1.17.4.")
    packages: Packages = Field(
        default={},
        description="Packages of the bundle that bring driver and toolkit, by name, with their version; held, and "
        "installed before k3s: docs/packages.md.",
    )
    resource: ResourceName = Field(default="nvidia.com/gpu", description="What GPUs are called in Kubernetes.")
    count: int = Field(default=0, ge=0, le=64, description="GPUs that are built in.")
    required: int | None = Field(default=None, ge=0, description="As many as count when not given.")
    hold_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        default=3.0, description="How long they must stay visible."
    )
    offers: dict[ResourceName, Annotated[int, Field(ge=1, le=4096)]] = Field(
        default={},
        description=(
            "What the device plugin offers when all GPUs of the node are well, by resource, where GPUs are shared "
            "(MIG, time-slicing): {nvidia.com/mig-1g.10gb: 14}. As many of `resource` as `count` when not given."
        ),
    )


class Guard(Section):
    """What the cluster refuses: pods that use a GPU and do not wait for its proof (docs/guard.md)."""

    exempt: list[Label] = Field(
        default=["gpu-operator", "gpu-system", "kube-system"],
        description="Namespaces that are not asked: there, pods may use a GPU before its proof.",
    )
    runtime_classes: list[RuntimeClass] = Field(
        default=["nvidia", "nvidia-cdi", "nvidia-experimental", "nvidia-legacy"],
        description="A pod on one of these runtime classes sees GPUs without asking for one.",
    )


class Release(Section):
    """One Helm release. Releases are installed in the order in which they first stand in the inventory."""

    chart: Line | None = Field(
        default=None,
        description="A chart of templates/charts, a folder (./my-chart, from this file) or a chart of the bundle.",
    )
    namespace: Label | None = Field(default=None, description="Made where it is missing.")
    values: dict[str, Any] = Field(default={}, description="As in a values.yaml.")
    needs: list[Literal["gpu"]] = Field(
        default=[], description="Gates that hold this release up until they are passed."
    )
    timeout_seconds: Seconds = Field(default=300.0, description="How long Helm may take.")


class Inference(Section):
    """The question that proves inference: one request over the Open Inference Protocol v2, with its known answer."""

    release: Label | None = Field(default=None, description="The release that answers it.")
    service: Label | None = Field(default=None, description="The Service that is asked.")
    port: Port = Field(default=8000, description="Of that service.")
    model: ModelName | None = Field(default=None, description="The model that is asked.")
    reference: Line | None = Field(
        default=None, description="File with request and answer; the model's own when not given."
    )


class Camera(Section):
    """One camera of the store."""

    url: Line = Field(description="rtsp://..., file:... or synthetic:; without user and password.")
    secret: Label | None = Field(default=None, description="The secret of the store that holds user and password.")
    frame_rate: Annotated[float, Field(gt=0, le=240)] | None = Field(default=None, description="Frames per second.")


class Baseline(Section):
    """What a model must reach on this hardware."""

    frame_rate: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Frames per second, at least.")
    latency_ms: Annotated[float, Field(gt=0)] | None = Field(default=None, description="At most, in milliseconds.")
    memory: Size | None = Field(default=None, description="Memory of the GPU, at most.")


class Window(Section):
    """When something may happen, in the store's own time."""

    days: list[Day] = Field(default=[], description="All days when not given.")
    start: ClockTime = Field(description='Like "22:00".')
    end: ClockTime = Field(description='Like "05:00"; before start: on the next day.')


class Identity(Section):
    """How this very machine is known."""

    serial: Line | None = Field(default=None, description="The machine's serial number.")
    macs: list[Mac] = Field(default=[], description="Addresses of its network cards.")
    gpus: list[GpuId] = Field(default=[], description="UUIDs of its GPUs, as nvidia-smi -L names them.")


class NodeLayer(Section):
    """What can be said for one node as well as for many."""

    profile: Label | None = Field(default=None, description="The hardware profile.")
    ssh: Ssh | None = None
    host: Host | None = None
    k3s: K3s | None = None
    hardware: Hardware | None = None
    gpu: Gpu | None = Field(default=None, description="Left out, or count 0: nodes without GPUs.")
    install: Install | None = Field(default=None, description="How the machine is first installed: docs/image.md.")


class Node(NodeLayer):
    """One machine of a store."""

    role: Literal["server", "agent"] = Field(
        default="server", description="One server leads a store; agents follow it."
    )
    address: str | None = Field(default=None, description="IP address on the store's own network.")
    host_key: str | None = Field(default=None, description="The node's public SSH host key: ssh-ed25519 AAAA...")
    identity: Identity | None = None


class Layer(NodeLayer):
    """Defaults or a group: what many stores share."""

    helm: Helm | None = None
    images: list[Line] | None = Field(
        default=None, description="Images of the bundle beyond those that the charts name."
    )
    releases: dict[ReleaseName, Release | None] | None = Field(default=None, description="null: not in this store.")
    inference: Inference | None = None
    guard: Guard | None = Field(default=None, description="Which pods must wait for the GPU's proof: docs/guard.md.")
    network: Network | None = None
    uplink: Uplink | None = Field(default=None, description="Where nodes tell of themselves: docs/upward.md.")
    backup: Backup | None = Field(
        default=None, description="Backups that the store takes of its cluster: docs/backup.md."
    )
    chain: Chain | None = Field(default=None, description="What must deliver, from the GPU to the sink: docs/chain.md.")
    timezone: Line | None = Field(default=None, description="Of the store, e.g. Europe/Berlin.")
    cameras: dict[Label, Camera | None] | None = Field(default=None, description="null: not in this store.")
    models: dict[Label, Model | None] | None = None
    model_budget: Size | None = Field(
        default=None, description="What a node may hold of models, all versions together: docs/models.md."
    )
    baselines: dict[Label, Baseline | None] | None = Field(default=None, description="By model.")
    secrets: dict[Label, StoreSecret | None] | None = Field(
        default=None, description="Where its secrets are found: docs/secrets.md. null: not in this store."
    )
    policy: Policy | None = Field(default=None, description="What stores may become: docs/policy.md.")
    windows: dict[Label, list[Window]] | None = Field(
        default=None,
        description="Hours by name, for pods and rules; in those of `prefetch`, models may be brought ahead, in those "
        "of `reboot`, nodes may reboot (docs/reboot.md). Who may deploy when: policy.deploy.",
    )


class Profile(Layer):
    """A kind of hardware: what its nodes are, and what its models reach on it."""

    variants: dict[Label, list[Line]] = Field(default={}, description="The variants of each model that run on it.")


class Store(Layer):
    """One store: its nodes, and what differs from its profile, its groups and the defaults."""

    title: Title = Field(default="", description="One line, for people.")
    groups: list[str] = Field(default=[], description="Laid over defaults and profile in this order.")
    lab: bool = Field(
        default=False,
        description="Its machines are a lab's: `edgectl accept` may restart them and kill services (docs/accept.md).",
    )
    variants: dict[Label, list[Line]] = Field(default={}, description="The variants of each model that run here.")
    nodes: dict[Label, Node] | None = None


class Inventory(Section):
    """The one file that describes all stores."""

    version: Literal[1] = Field(description="Version of this format.")
    bundle: Line = Field(description="Bundle directory, from this file.")
    trust: Line | None = Field(
        default=None, description="File of the keys whose signed offers stores take, from this file: docs/signing.md."
    )
    edgectl: Versions | None = Field(
        default=None, description="Range of edgectl versions that may deploy these stores, e.g. >=0.4,<0.6."
    )
    defaults: Layer | None = None
    profiles: dict[Label, Profile | None] | None = Field(
        default=None, description="Kinds of hardware, laid over the defaults."
    )
    groups: dict[Label, Layer | None] | None = Field(
        default=None, description="Laid over the profile, in each store's order."
    )
    stores: dict[Label, Store | None] | None = Field(default=None, description="Every store by its name.")
