"""A valid store's model made into the dataclasses that the rest of edgectl works with.

Owns defaults that depend on other values (ssh.host is the address, required is count). Finds no errors: all that comes
here has passed rules.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from edgectl.control import assets
from edgectl.control.inventory import backup_schema, chain_schema, hosted, network_schema, schema, uplink_schema
from edgectl.control.inventory.amounts import rate_bytes
from edgectl.control.inventory.facts import facts
from edgectl.control.inventory.host_schema import Host
from edgectl.control.inventory.installed import install_settings
from edgectl.control.inventory.jump import jumps
from edgectl.control.inventory.place import Place
from edgectl.control.inventory.rollouts import rollout_of
from edgectl.control.inventory.secret_schema import StoreSecret
from edgectl.control.inventory.store import (
    DEFAULT_ARCH,
    ChainSettings,
    DependencySettings,
    GpuSettings,
    GuardSettings,
    HostFile,
    HostSettings,
    InferenceSettings,
    K3sSettings,
    LimitSettings,
    ModelSettings,
    ModelsSettings,
    NetworkSettings,
    NodeTarget,
    ReleaseSettings,
    SecretSettings,
    SshTarget,
    Store,
    UplinkSettings,
    folder_of,
)
from edgectl.control.inventory.tree import Tree
from edgectl.wire.hours import Window, hours
from edgectl.wire.length import seconds
from edgectl.wire.payload import Backup

PREFETCH = "prefetch"  # the name of the windows in which models are brought ahead


def resolve(
    name: str,
    store: schema.Store,
    nodes: dict[str, schema.Node],
    tree: Tree,
    *,
    source: Path,
    bundle: str,
    bundle_at: Place,
) -> Store:
    """Return one store; `nodes` are merged with what the store says for all of them."""
    folder = folder_of(source)
    return Store(
        name=name,
        title=store.title,
        nodes=tuple(node_target(node, model, folder, store) for node, model in nodes.items()),
        releases=releases(store),
        images=tuple(store.images or ()),
        helm_version=store.helm.version or "" if store.helm else "",
        inference=inference(store.inference, folder),
        source=source,
        bundle=bundle_path(source, bundle),
        bundle_at=bundle_at,
        guard=guard(store.guard),
        tree=tree,
        groups=tuple(store.groups),
        profile=store.profile or "",
        facts=facts(name, store, nodes),
        policy=store.policy,
        network=network(store.network, store.timezone),
        uplink=uplink(store.uplink),
        chain=chain(store.chain),
        backup=backup(store.backup, store.timezone),
        secrets=secrets(store.secrets, folder),
        models=models(store, folder),
        lab=store.lab,
    )


def guard(asked: schema.Guard | None) -> GuardSettings:
    """Return what the cluster refuses; each name once, in order: another order in the inventory changes nothing."""
    said = asked or schema.Guard()
    return GuardSettings(tuple(sorted(set(said.exempt))), tuple(sorted(set(said.runtime_classes))))


def network(asked: network_schema.Network | None, zone: str | None) -> NetworkSettings:
    """Return the store's line; hours are in the store's own time."""
    if asked is None:
        return NetworkSettings()
    downlink = asked.downlink_mbit * 1_000_000 / 8 if asked.downlink_mbit else None
    return NetworkSettings(
        downlink, tuple(LimitSettings(rate_bytes(one.limit), _hours(one, zone)) for one in asked.limits)
    )


def uplink(asked: uplink_schema.Uplink | None) -> UplinkSettings | None:
    """Return where nodes tell of themselves."""
    return UplinkSettings(asked.url or "", asked.secret or "", asked.budget) if asked else None


def backup(asked: backup_schema.Backup | None, zone: str | None) -> Backup | None:
    """Return how often the store's server takes a backup."""
    if asked is None:
        return None
    return Backup(seconds(asked.every), asked.keep, asked.at or "", zone or "" if asked.at else "")


def chain(asked: chain_schema.Chain | None) -> ChainSettings:
    """Return what is said of the chain, without the dependencies set to null."""
    if asked is None:
        return ChainSettings()
    found = [dependency(name, one) for name, one in asked.dependencies.items() if one is not None]
    required = None if asked.required is None else tuple(asked.required)
    return ChainSettings(
        declared=True,
        enabled=asked.enabled,
        release=asked.release or "",
        canary_ms=asked.canary_ms,
        required=required,
        dependencies=tuple(found),
    )


def dependency(name: str, asked: chain_schema.Dependency) -> DependencySettings:
    """Return one dependency, by the one way in which it is asked."""
    kind = next((kind for kind in ("http", "tcp", "mqtt", "exec") if getattr(asked, kind) is not None), "")
    expects = {"http": str(asked.expect or 200), "mqtt": asked.topic or ""}
    return DependencySettings(
        name=name,
        kind=kind,
        target=asked.http or asked.tcp or asked.mqtt or "",
        command=tuple(asked.exec or ()),
        expect=expects.get(kind, ""),
        required=asked.required,
        after=asked.after or "",
        timeout_seconds=asked.timeout,
    )


def _hours(limit: network_schema.Limit, zone: str | None) -> Window | None:
    if not limit.days and limit.start is None:
        return None
    return hours(limit.days, limit.start or "00:00", limit.end or "00:00", zone or "UTC")


def models(store: schema.Store, folder: Path) -> ModelsSettings:
    """Return the models that nodes keep; one that is to come and runs already is nothing to bring."""
    current, coming, rollouts = [], [], {}
    for name, model in (store.models or {}).items():
        if model is None:
            continue
        version, variant = model.version or "", model.variant or ""
        if model.from_ is not None:
            current.append(ModelSettings(name, version, variant, _beside(folder, model.from_), ("models", name)))
            if (rollout := rollout_of(model)) is not None:
                rollouts[name] = rollout
        if model.next is not None and (model.from_ is None or model.next.version != version):
            path = _beside(folder, model.next.from_)
            coming.append(ModelSettings(name, model.next.version, variant, path, ("models", name, "next")))
    windows = (store.windows or {}).get(PREFETCH, [])
    when = tuple(hours(one.days, one.start, one.end, store.timezone or "UTC") for one in windows)
    return ModelsSettings(tuple(current), tuple(coming), store.model_budget or 0, when, rollouts)


@cache
def bundle_path(source: Path, name: str) -> Path:
    """Return a bundle directory, seen from the inventory file `source`; ~ is home."""
    return _beside(folder_of(source), name).resolve()


def trust_path(source: Path, name: str | None) -> Path | None:
    """Return the file of trusted keys, seen from the inventory file `source`; ~ is home."""
    return _beside(folder_of(source), name) if name else None


def node_target(name: str, node: schema.Node, folder: Path, store: schema.Store) -> NodeTarget:
    """Return one node of a store with every default filled in; `folder` is where the inventory lies."""
    ssh, host, k3s = node.ssh or schema.Ssh(), node.host or Host(), node.k3s or schema.K3s()
    address = node.address or ""
    return NodeTarget(
        name=name,
        role=node.role,
        address=address,
        ssh=SshTarget(
            host=ssh.host or address,
            port=ssh.port,
            user=ssh.user,
            host_key=" ".join((node.host_key or "").split()[:2]),
            keys=tuple(_beside(folder, key) for key in ssh.keys),
            agent=ssh.agent,
            sudo_password=ssh.sudo_password.reference(folder) if ssh.sudo_password else None,
            connect_seconds=ssh.connect_seconds,
            jump=jumps(ssh.jump, folder),
        ),
        host=HostSettings(
            free_bytes=host.free_bytes,
            files=tuple(
                HostFile(file.path, file.text, file.mode.zfill(4), tuple(sorted(set(file.restarts))))
                for file in host.files
            ),
            sysctls={key: str(value) for key, value in host.sysctls.items()},
            packages=hosted.packages(host.packages),
            modules=tuple(sorted(set(host.modules))),
            services=hosted.services(host),
            users=hosted.users(host),
            time=hosted.time(host),
            journal_bytes=host.logs.journal if host.logs else 0,
            machine=hosted.machine(node),
            reboots=hosted.reboots(host, store),
        ),
        k3s=K3sSettings(version=k3s.version or "", config=k3s.config, kubelet=k3s.kubelet, registries=k3s.registries),
        gpu=_gpu(node.gpu, node.identity),
        arch=node.hardware.arch if node.hardware else DEFAULT_ARCH,
        install=install_settings(node, store.timezone),
    )


def releases(store: schema.Store) -> tuple[ReleaseSettings, ...]:
    """Return the store's releases in the order of the inventory, without those set to null."""
    return tuple(
        ReleaseSettings(
            name=name,
            chart=release.chart or "",
            namespace=release.namespace or "",
            values=release.values,
            needs=tuple(release.needs),
            timeout_seconds=release.timeout_seconds,
        )
        for name, release in (store.releases or {}).items()
        if release is not None
    )


def secrets(asked: Mapping[str, StoreSecret | None] | None, folder: Path) -> tuple[SecretSettings, ...]:
    """Return the store's secrets, without those set to null; `folder` is where the inventory lies."""
    return tuple(
        SecretSettings(
            name=name,
            keys={key: reference.reference(folder) for key, reference in secret.keys.items()},
            namespaces=tuple(secret.namespaces or ()),
            type=secret.type,
        )
        for name, secret in (asked or {}).items()
        if secret is not None
    )


def inference(asked: schema.Inference | None, folder: Path) -> InferenceSettings | None:
    """Return the question that proves inference; `folder` is where the inventory lies."""
    if asked is None:
        return None
    model = asked.model or ""
    own = assets.reference(model)
    return InferenceSettings(
        release=asked.release or "",
        service=asked.service or "",
        port=asked.port,
        model=model,
        reference=_beside(folder, asked.reference) if asked.reference else own,
    )


@cache
def _beside(folder: Path, name: str) -> Path:
    """Return a path of the inventory: seen from its folder, ~ is home."""
    return folder / os.path.expanduser(name)  # noqa: PTH111 - Path's own raises for an unknown home


def _gpu(gpu: schema.Gpu | None, identity: schema.Identity | None) -> GpuSettings | None:
    if gpu is None or gpu.count == 0:
        return None
    return GpuSettings(
        resource=gpu.resource,
        count=gpu.count,
        required=gpu.count if gpu.required is None else gpu.required,
        hold_seconds=gpu.hold_seconds,
        offers=gpu.offers,
        uuids=tuple(identity.gpus) if identity else (),
        driver=gpu.driver or "",
        toolkit=gpu.toolkit or "",
        packages=hosted.packages(gpu.packages),
    )
