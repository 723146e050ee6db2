"""What a whole store needs beyond right types: presence, agreement, no secrets.

Owns the findings on a resolved store. Must not look at anything but the inventory; the bundle is payload's matter.
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edgectl.control.inventory import schema
from edgectl.control.inventory.backed import backup_findings
from edgectl.control.inventory.chained import chain_findings
from edgectl.control.inventory.check import Where
from edgectl.control.inventory.contradicting import hours_findings
from edgectl.control.inventory.guarded import guard_findings
from edgectl.control.inventory.host_schema import File, Host
from edgectl.control.inventory.installed import install_findings
from edgectl.control.inventory.packaged import package_findings
from edgectl.control.inventory.path import path_error
from edgectl.control.inventory.place import Finding, nearest
from edgectl.control.inventory.plaintext import plain_secrets
from edgectl.control.inventory.publickey import key_error
from edgectl.control.inventory.site import site_findings
from edgectl.control.inventory.tree import Tree
from edgectl.control.inventory.uplinked import uplink_findings
from edgectl.wire.host import DISABLED, MASKED, setting

_OURS = {
    "node-name": "the node's name",
    "node-ip": "the node's address",
    "server": "the address of the store's server",
    "token-file": "where edgectl keeps what agents join with",
}
_OWNED = (
    *("/etc/rancher/", "/var/lib/rancher/", "/var/lib/kubelet/", "/var/lib/edgectl/", "/run/edgectl/"),
    *("/etc/systemd/system/k3s", "/etc/systemd/system/edgectl", "/usr/local/bin/k3s", "/usr/local/bin/helm"),
)
_WRITTEN = {  # by edgectl itself: what says them (payload/hostfiles.py, payload/gpufiles.py)
    "/etc/apt/apt.conf.d/52edgectl": "gpu.packages",
    "/etc/modprobe.d/edgectl-nouveau.conf": "gpu.packages",
    "/etc/sysctl.d/90-edgectl.conf": "host.sysctls",
    "/etc/modules-load.d/edgectl.conf": "host.modules",
    "/etc/chrony/sources.d/edgectl.sources": "host.time",
    "/etc/systemd/timesyncd.conf.d/90-edgectl.conf": "host.time",
    "/etc/systemd/journald.conf.d/90-edgectl.conf": "host.logs",
}
_OUR_UNITS = ("k3s", "edgectl")
_WAYS_IN = ("ssh.service", "ssh.socket", "sshd.service")
_SECRETS = ("token", "agent-token", "etcd-s3-access-key", "etcd-s3-secret-key", "datastore-endpoint")
_REGISTRY_SECRETS = ("password", "auth", "identity_token", "token")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: the store's name, its tree, and the paths that already have a finding."""

    name: str
    tree: Tree
    bad: frozenset[Where]

    def finding(self, sentence: str, *where: str | int, secret: bool = False) -> Finding:
        """Make a finding at a path, or at the nearest value that is there."""
        return Finding(self.tree.nearest(*where).at, sentence, secret)

    def doubts(self, key: str) -> bool:
        """Say whether something about `key` already has a finding, so that what follows from it is no news."""
        return any(key in path for path in self.bad)

    def missing(self, value: object, sentence: str, *where: str | int) -> Iterator[Finding]:
        """Make a finding for a value that nobody gave, unless what was given already has one."""
        known = any(where[: len(path)] == path or path[: len(where)] == where for path in self.bad)
        if not value and not known:
            yield self.finding(f"{self.name}: {sentence}", *where)


def store_findings(store: schema.Store, nodes: dict[str, schema.Node], subject: Subject) -> Iterator[Finding]:
    """Yield what a store's own settings lack; `nodes` are merged with what the store says for all of them."""
    servers = [name for name, node in nodes.items() if node.role == "server"]
    if len(servers) > 1:
        sentence = (
            f"{subject.name} has {len(servers)} servers ({', '.join(servers)}): one node leads, the others are agents "
            "(role: agent); several servers with a common datastore are not supported yet"
        )
        yield subject.finding(sentence, "nodes", servers[1], "role")
    if nodes and not servers:
        yield subject.finding(f"{subject.name} has no server: one node needs role: server", "nodes")
    yield from subject.missing(nodes, "a store needs a node: nodes: {node-1: {address: ..., host_key: ...}}", "nodes")
    seen: dict[str, str] = {}
    for name, node in nodes.items():
        if node.address and node.address in seen:
            sentence = f"{name} has the same address as {seen[node.address]}: {node.address}"
            yield subject.finding(sentence, "nodes", name, "address")
        seen.setdefault(node.address or "", name)
    helm = store.helm.version if store.helm else None
    if any(store.releases or {}):
        yield from subject.missing(helm, "releases need a Helm: helm: {version: v4.3.1}", "helm", "version")
    no_gpus = not subject.doubts("gpu") and not any(node.gpu is not None and node.gpu.count for node in nodes.values())
    for name, release in (store.releases or {}).items():
        if release is not None:
            yield from _release(name, release, subject)
            if "gpu" in release.needs and nodes and no_gpus:
                sentence = f"release {name} needs gpu, and {subject.name} has no GPUs: gpu: {{count: 1}}"
                yield subject.finding(sentence, "releases", name, "needs")
    yield from _inference(store, subject)
    guarded = guard_findings(subject.name, store, nodes, doubtful=subject.doubts("guard"))
    backed = backup_findings(store, doubtful=subject.doubts("backup"))
    told = uplink_findings(store, doubtful=subject.doubts("uplink"))
    hours = hours_findings(subject.tree) if not subject.doubts("windows") else ()
    chained = chain_findings(subject.name, store, doubtful=subject.doubts("chain"))
    for where, sentence in (
        *site_findings(subject.name, store, nodes, subject.doubts),
        *guarded,
        *backed,
        *told,
        *chained,
        *hours,
    ):
        yield subject.finding(sentence, *where)
    if isinstance(subject.tree.value, dict):
        own = {key: child for key, child in subject.tree.items() if key != "nodes"}  # nodes are looked at merged
        yield from _secrets(Subject(subject.name, subject.tree.holding(own), subject.bad))


def _secrets(subject: Subject) -> Iterator[Finding]:
    for where, sentence in plain_secrets(subject.tree):
        named = where[:2] == ("k3s", "config") and where[2] in _SECRETS
        registry = where[:3] == ("k3s", "registries", "configs") and where[4:5] == ("auth",)
        if not named and not registry:
            yield subject.finding(sentence, *where, secret=True)


def _release(name: str, release: schema.Release, subject: Subject) -> Iterator[Finding]:
    at = ("releases", name)
    yield from subject.missing(release.chart, f"release {name} needs a chart", *at, "chart")
    yield from subject.missing(release.namespace, f"release {name} needs a namespace", *at, "namespace")


def _inference(store: schema.Store, subject: Subject) -> Iterator[Finding]:
    asked = store.inference
    if asked is None:
        return
    for key in ("release", "service", "model"):
        yield from subject.missing(getattr(asked, key), f"inference needs a {key}", "inference", key)
    if asked.reference is not None and (wrong := path_error(asked.reference)):
        yield subject.finding(f"inference.reference: {wrong}", "inference", "reference")
    releases = [name for name, release in (store.releases or {}).items() if release is not None]
    if asked.release and asked.release not in releases:
        sentence = f'inference asks release "{asked.release}", which {subject.name} does not have.'
        yield subject.finding(sentence + nearest(asked.release, releases), "inference", "release")


def node_findings(name: str, node: schema.Node, subject: Subject, *, pinned: bool = True) -> Iterator[Finding]:
    """Yield what one node's resolved settings lack; `subject.tree` is the node's own, merged.

    `pinned`: it must have its host key.
    """
    what = f"{name} needs"
    address = "its address on the store's network: address: 10.77.0.11"
    key = "its pinned SSH host key: host_key: ssh-ed25519 AAAA... (on the node: /etc/ssh/ssh_host_ed25519_key.pub)"
    yield from subject.missing(node.address, f"{what} {address}", "address")
    if node.address and not is_address(node.address):
        yield subject.finding(f'address: an IP address is needed, not "{node.address}"', "address")
    if pinned:
        yield from subject.missing(node.host_key, f"{what} {key}", "host_key")
    if node.host_key and (wrong := key_error(node.host_key)):
        yield subject.finding(f"host_key: {wrong}", "host_key")
    version = node.k3s.version if node.k3s else None
    yield from subject.missing(version, f"{what} a k3s: k3s: {{version: v1.36.3+k3s1}}", "k3s", "version")
    for index, path in enumerate(node.ssh.keys if node.ssh else []):
        if wrong := path_error(path):
            yield subject.finding(f"ssh.keys.{index}: {wrong}", "ssh", "keys", index)
    if node.k3s is not None:
        yield from _k3s(node.k3s, subject)
    if node.gpu is not None and (node.gpu.required or 0) > node.gpu.count and not subject.doubts("gpu"):
        sentence = f"gpu.required: {node.gpu.required} of {node.gpu.count} GPUs can never be there"
        yield subject.finding(sentence, "gpu", "required")
    if node.gpu is not None and not subject.doubts("gpu"):
        makers = {name.partition("/")[0]: name for name in (node.gpu.resource, *node.gpu.offers)}
        if len(makers) > 1:  # whose driver is probed, and whether CUDA proves them, is asked once a node
            sentence = f"gpu: {' and '.join(makers.values())} are of different makers; the GPUs of a node are of one"
            yield subject.finding(sentence, "gpu", "offers")
    for where, sentence in package_findings(node) if not subject.doubts("packages") else ():
        yield subject.finding(sentence, *where)
    yield from _files(node.host.files if node.host else [], subject)
    yield from _sysctls(node.host.sysctls if node.host else {}, subject)
    yield from _services(node.host or Host(), subject)
    if node.install is not None and not subject.doubts("install"):
        yield from (subject.finding(why, *where) for where, why in install_findings(node))
    yield from _secrets(subject)


def _files(files: list[File], subject: Subject) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, file in enumerate(files):
        at = ("host", "files", index, "path")
        if file.path in seen:
            yield subject.finding(f"host.files: {file.path} is there twice, and only one can hold", *at)
        seen.add(file.path)
        if posixpath.normpath(file.path) != file.path:
            yield subject.finding(f"host.files: write {file.path} as {posixpath.normpath(file.path)}", *at)
        if file.path in _WRITTEN:
            sentence = f"host.files: {file.path} is written by edgectl, from what {_WRITTEN[file.path]} says"
            yield subject.finding(sentence, *at)
        elif f"{file.path}/".startswith(_OWNED):
            yield subject.finding(f"host.files: {file.path} belongs to k3s or edgectl; say it under k3s", *at)


def _services(host: Host, subject: Subject) -> Iterator[Finding]:
    """Find units that are edgectl's own matter, and those without which it could not come back."""
    for name, state in host.services.items():
        if name.startswith(_OUR_UNITS):
            sentence = f"host.services: {name} is brought up by edgectl itself: leave it out"
            yield subject.finding(sentence, "host", "services", name)
        elif name in _WAYS_IN and state in {DISABLED, MASKED}:
            sentence = f"host.services: without {name} edgectl does not reach the node again"
            yield subject.finding(sentence, "host", "services", name)
    for index, file in enumerate(host.files):
        for name in file.restarts:
            if name.startswith(_OUR_UNITS):
                sentence = f"host.files: {name} is restarted by edgectl itself, when it must be: leave it out"
                yield subject.finding(sentence, "host", "files", index, "restarts")


def _sysctls(settings: Mapping[str, str | int], subject: Subject) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in settings:
        first = seen.setdefault(setting(name), name)
        if first != name:
            sentence = f"host.sysctls: {name} and {first} are one kernel setting, and only one value can hold"
            yield subject.finding(sentence, "host", "sysctls", name)


def _k3s(k3s: schema.K3s, subject: Subject) -> Iterator[Finding]:
    for key, meaning in _OURS.items():
        for said in (key, f"{key}+"):
            if said in k3s.config:
                yield subject.finding(f"k3s.config.{said} is {meaning}: leave it out", "k3s", "config", said)
    for key in _SECRETS:
        if key in k3s.config:
            sentence = f"k3s.config.{key} is a secret, and no secret stands in an inventory: leave it out"
            yield subject.finding(sentence, "k3s", "config", key, secret=True)
    configs = (k3s.registries or {}).get("configs")
    for host, config in configs.items() if isinstance(configs, dict) else ():
        auth = config.get("auth") if isinstance(config, dict) else None
        for key in _REGISTRY_SECRETS:
            if isinstance(auth, dict) and key in auth:
                where = ("k3s", "registries", "configs", host, "auth", key)
                sentence = f"{'.'.join(where[1:])} is a secret, and no secret stands in an inventory"
                yield subject.finding(sentence, *where, secret=True)


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
