"""What a store's cameras, models, hours and machines must agree on.

Owns the findings on what is in the shop. Must not know Kubernetes; types have been looked at before (check.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import Where
from edgectl.control.inventory.models import model_findings
from edgectl.control.inventory.place import nearest
from edgectl.control.inventory.plaintext import looks

Wrong = tuple[Where, str]

_SCHEMES = ("rtsp", "rtsps", "file", "synthetic")
_HOSTED = ("rtsp", "rtsps")
_PLAIN = re.compile(r"rtsps?://[a-z0-9][a-z0-9.-]*(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._/-]*)?", re.ASCII)  # most are


def site_findings(
    name: str, store: schema.Store, nodes: dict[str, schema.Node], doubts: Callable[[str], bool]
) -> Iterator[Wrong]:
    """Yield what does not agree: where, and a sentence. `nodes` are merged with what the store says for all of them.

    `doubts` says of a key whether something about it has a finding already.
    """
    yield from _cameras(store)
    if not doubts("variants"):
        yield from _variants(name, store)
    if not doubts("models"):
        yield from _baselines(name, store)
        yield from model_findings(store)
    yield from _memory(store, nodes)
    yield from _hours(store)
    if not doubts("limits"):
        yield from _limits(store)
    yield from _machines(nodes, doubts)


def _cameras(store: schema.Store) -> Iterator[Wrong]:
    seen: dict[str, str] = {}
    for name, camera in (store.cameras or {}).items():
        if camera is not None and camera.secret and camera.secret not in (store.secrets or {}):
            hint = nearest(camera.secret, store.secrets or {})
            yield (
                ("cameras", name, "secret"),
                f'camera {name} names a secret that is not there: "{camera.secret}".{hint}',
            )
        if camera is None or looks(camera.url):  # has a finding, and is not shown
            continue
        at = ("cameras", name, "url")
        if wrong := _url_error(camera.url):
            yield at, f"cameras.{name}.url: {wrong}"
        elif camera.url in seen:
            yield at, f"camera {name} has the same url as {seen[camera.url]}"
        if camera.url.startswith("rtsp"):
            seen.setdefault(camera.url, name)


def _url_error(url: str) -> str:
    if _PLAIN.fullmatch(url):
        return ""
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in _SCHEMES:
        near = nearest(scheme, _SCHEMES) if colon else ""
        return f"rtsp://..., file:... or synthetic: is needed.{near}".removesuffix(".")
    if scheme == "file" and not rest:
        return "file: needs the path of a video, like file:/var/lib/videos/door.mp4"
    if scheme in _HOSTED:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "a host and a port are needed, like rtsp://10.77.0.21:554/stream"
        if not parts.hostname or port == 0:
            return "a camera's host is needed, like rtsp://10.77.0.21/stream"
    return ""


def _variants(name: str, store: schema.Store) -> Iterator[Wrong]:
    who = f'profile "{store.profile}"' if store.profile else name
    for asked, model in (store.models or {}).items():
        if model is None or model.variant is None or not store.variants:
            continue
        what = f"{asked}@{model.version}" if model.version else asked
        has = store.variants.get(asked)
        if has is None:
            sentence = f"{what}: {who} names no variants of it.{nearest(asked, store.variants)}".removesuffix(".")
            yield ("models", asked, "variant"), sentence
        elif model.variant not in has:
            known = f"has: {', '.join(sorted(has))}" if has else "has none"
            yield ("models", asked, "variant"), f'{what}: {who} has no variant "{model.variant}" ({known})'


def _baselines(name: str, store: schema.Store) -> Iterator[Wrong]:
    known = {*(store.models or {}), *store.variants}
    if store.inference and store.inference.model:
        known.add(store.inference.model)
    for model in store.baselines or {}:
        if known and model not in known:
            sentence = f'baselines: {name} has no model "{model}".{nearest(model, known)}'
            yield ("baselines", model), sentence.removesuffix(".")


def _memory(store: schema.Store, nodes: dict[str, schema.Node]) -> Iterator[Wrong]:
    built_in = [node.gpu.memory for node in nodes.values() if node.gpu and node.gpu.count and node.gpu.memory]
    for model, baseline in (store.baselines or {}).items():
        memory = baseline.memory if baseline else None
        if memory is not None and built_in and memory > max(built_in):
            sentence = f"baselines.{model}.memory: {_gib(memory)} is more than a GPU has here ({_gib(max(built_in))})"
            yield ("baselines", model, "memory"), sentence


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.4g}GiB"


def _hours(store: schema.Store) -> Iterator[Wrong]:
    zone = store.timezone
    if zone is not None and not is_zone(zone):
        sentence = f'timezone: there is no time zone "{zone}", they are called like Europe/Berlin.{_near_zone(zone)}'
        yield ("timezone",), sentence.removesuffix(".")
    for name, windows in (store.windows or {}).items():
        for index, window in enumerate(windows):
            at = ("windows", name, index)
            if window.start == window.end:
                sentence = f"windows.{name}: {window.start} to {window.end} is no time at all"
                yield (*at, "end"), f"{sentence}: give it another end"
            yield from _twice(window.days, at, f"windows.{name}")
        if windows and zone is None:
            sentence = f"windows.{name} is in the store's own time, and nobody says which: timezone: Europe/Berlin"
            yield ("windows", name), sentence


def _limits(store: schema.Store) -> Iterator[Wrong]:
    timed = False
    for index, limit in enumerate(store.network.limits if store.network else ()):
        at = ("network", "limits", index)
        timed = timed or bool(limit.days or limit.start or limit.end)
        if (limit.start is None) != (limit.end is None):
            has, lacks = ("end", "start") if limit.start is None else ("start", "end")
            yield (*at, has), f"network.limits.{index}: {has} without {lacks}: give both, or none for the whole day"
        elif limit.start is not None and limit.start == limit.end:
            sentence = f"network.limits.{index}: {limit.start} to {limit.end} is no time at all"
            yield (*at, "end"), f"{sentence}: give it another end, or neither for the whole day"
        yield from _twice(limit.days, at, "network.limits")
    if timed and store.timezone is None:
        sentence = "network.limits is in the store's own time, and nobody says which: timezone: Europe/Berlin"
        yield ("network", "limits"), sentence


def _twice(days: Sequence[str], at: Where, name: str) -> Iterator[Wrong]:
    for day in sorted({day for day in days if days.count(day) > 1}):
        last = len(days) - 1 - days[::-1].index(day)
        yield (*at, "days", last), f"{name}: {day} is there twice"


def is_zone(name: str) -> bool:
    """Tell whether there is such a time zone; yes, where this machine knows none at all."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a path, a folder, none
        return not available_timezones()
    return True


def _near_zone(name: str) -> str:
    known = available_timezones()
    if any(zone.startswith(f"{name}/") for zone in known):  # a region: no city is nearer than another
        return ""
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(known, reverse=True)}
    return f' Did you mean "{cities[name]}"?' if name in cities else nearest(name, sorted(known))


def _machines(nodes: dict[str, schema.Node], doubts: Callable[[str], bool]) -> Iterator[Wrong]:
    seen: dict[tuple[str, str], Where] = {}
    for name, node in nodes.items():
        count = node.gpu.count if node.gpu is not None else 0
        listed = node.identity.gpus if node.identity is not None else []
        if len(listed) > count and not doubts("gpu"):
            many = "1 GPU" if len(listed) == 1 else f"{len(listed)} GPUs"
            sentence = f"identity.gpus: {name} names {many}, and its gpu.count is {count}"
            yield ("nodes", name, "identity", "gpus"), sentence
        for what, value, where in _marks(name, node):
            other = seen.setdefault((what, value), where)
            if other != where and not (where[-1] == other[-1] == "address"):  # which has a finding of its own
                same = f"the {what} {value} twice" if other[1] == name else f"the same {what} as {other[1]}: {value}"
                yield where, f"{name} has {same}"


def _marks(name: str, node: schema.Node) -> Iterator[tuple[str, str, Where]]:
    """Yield what no two machines have in common."""
    at: Where = ("nodes", name)
    ssh = node.ssh or schema.Ssh()
    if host := ssh.host or node.address:
        yield "SSH door", f"{host} port {ssh.port}", (*at, "ssh", "host") if ssh.host else (*at, "address")
    if node.identity is not None:
        at = (*at, "identity")
        if node.identity.serial:
            yield "serial number", node.identity.serial, (*at, "serial")
        for index, mac in enumerate(node.identity.macs):
            yield "MAC address", mac, (*at, "macs", index)
        for index, gpu in enumerate(node.identity.gpus):
            yield "GPU", gpu, (*at, "gpus", index)
