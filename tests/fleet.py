"""A retailer's fleet as one inventory, the same on every Python: `python -m tests.fleet 200 > inventory.yaml`.

Five kinds of hardware, eight groups, and what a store has of its own: nodes, cameras, sometimes an exception. Every
store is valid. One store's text depends on its number and the seed alone, so a bigger fleet begins like a smaller one.
Helm values are said by groups and profiles, so that many stores share one rendering.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HEAD = """\
# yaml-language-server: $schema=inventory.schema.json
#
# Groceries Example: all stores. Layers: defaults, profile, groups in their order, store, node.
version: 1
bundle: bundle
edgectl: ">=0.1"

defaults:
  ssh: {user: root, keys: [~/.ssh/stores_ed25519], connect_seconds: 10}
  host:
    free_bytes: 8GiB
    sysctls: {fs.inotify.max_user_instances: 1024}
  k3s:
    version: v1.36.3+k3s1
    config:
      disable: [traefik, servicelb, metrics-server, local-storage]
      node-label: [retail.example/fleet=groceries]
    kubelet: {maxPods: 40}
  helm: {version: v4.3.1}
  releases: # in this order
    nvidia-device-plugin: {chart: nvidia-device-plugin, namespace: gpu-system}
    vision-stack:
      chart: vision-stack
      namespace: vision
      needs: [gpu]
      values:
        image: "registry.example/vision/services:1.0"
        inference: {image: "registry.example/vision/inference:1.0"}
        bus: {image: "registry.example/vision/mosquitto:2.0"}
        gate: {image: "registry.example/vision/gate:1.0"}
  inference: {release: vision-stack, service: inference, model: tiny-detector}
  models:
    detector: {version: "1.5", variant: fp16}
    shelf-gaps: {version: "0.9", variant: int8}
  windows:
    deploy: [{days: [mon, tue, wed, thu], start: "22:00", end: "05:00"}]
  network: {uplink_mbit: 20, downlink_mbit: 100, rtt_ms: 35}

profiles:
  jetson-orin: # below the counter, no fan
    hardware: {arch: arm64, memory: 16GiB, disk: 256GB}
    gpu: {model: Orin NX, count: 1, memory: 16GiB}
    releases: {vision-stack: {values: {inference: {image: "registry.example/vision/inference:1.0-arm64"}}}}
    variants: {detector: [int8, fp16], shelf-gaps: [int8]}
    baselines: {detector: {frame_rate: 60, latency_ms: 28, memory: 2GiB}, shelf-gaps: {frame_rate: 12}}
  t4:
    hardware: {memory: 64GiB, disk: 960GB}
    gpu: {model: Tesla T4, count: 1, memory: 16GiB, driver: 570.86.15, toolkit: 1.17.4}
    variants: {detector: [fp32, fp16, int8], shelf-gaps: [fp16, int8]}
    baselines: {detector: {frame_rate: 120, latency_ms: 16, memory: 3GiB}, shelf-gaps: {frame_rate: 30}}
  l4:
    hardware: {memory: 128GiB, disk: 1920GB}
    gpu: {model: NVIDIA L4, count: 2, required: 1, memory: 24GiB, driver: 570.86.15, toolkit: 1.17.4}
    variants: {detector: [fp32, fp16, fp8, int8], shelf-gaps: [fp16, int8]}
    baselines: {detector: {frame_rate: 310, latency_ms: 9, memory: 4GiB}, shelf-gaps: {frame_rate: 80}}
  rtx-a2000:
    hardware: {memory: 32GiB, disk: 512GB}
    gpu: {model: NVIDIA RTX A2000, count: 1, memory: 12GiB, driver: 570.86.15, toolkit: 1.17.4}
    variants: {detector: [fp16, int8], shelf-gaps: [fp16, int8]}
    baselines: {detector: {frame_rate: 140, latency_ms: 14, memory: 3GiB}, shelf-gaps: {frame_rate: 35}}
  cpu-only: # small formats; counts people at the door, no more
    hardware: {memory: 16GiB, disk: 256GB}
    gpu: null
    releases: {nvidia-device-plugin: null, vision-stack: null}
    inference: null
    models: {detector: {variant: int8}, shelf-gaps: null}
    variants: {detector: [int8]}
    baselines: {detector: {frame_rate: 8, latency_ms: 180}}

groups:
  north: {timezone: Europe/Berlin, host: {sysctls: {net.ipv4.tcp_keepalive_time: 600}}}
  south: {timezone: Europe/Madrid, network: {rtt_ms: 60}}
  east: {timezone: Europe/Warsaw, network: {uplink_mbit: 10}}
  west: {timezone: Europe/Lisbon, network: {uplink_mbit: 8, rtt_ms: 85}}
  express: # small, open late
    windows: {deploy: [{days: [tue, wed], start: "01:00", end: "04:30"}]}
    models: {shelf-gaps: null}
  super: {releases: {vision-stack: {values: {inference: {resources: {limits: {cpu: "4", memory: 2Gi}}}}}}}
  pilot: # what comes next
    k3s: {config: {node-label: !append [retail.example/ring=pilot]}}
    models: {detector: {version: "1.6"}}
  canary: # first of all
    releases:
      vision-stack: {timeout_seconds: 600, values: {inference: {image: "registry.example/vision/inference:1.1"}}}

stores:
"""
PLACES = {
    "north": (
        ("Berlin", "Hamburg", "München", "Köln", "Leipzig", "Bremen", "Hannover", "Düsseldorf", "Rostock", "Dresden"),
        ("Hauptstraße", "Bahnhofstraße", "Marktplatz", "Lindenallee", "Am Ring", "Schillerstraße", "Hafenweg"),
    ),
    "south": (
        ("Madrid", "Sevilla", "Valencia", "Málaga", "Zaragoza", "Bilbao", "Murcia", "Granada"),
        ("Calle Mayor", "Gran Vía", "Plaza de España", "Calle del Sol", "Avenida del Puerto", "Calle Nueva"),
    ),
    "east": (
        ("Warszawa", "Kraków", "Łódź", "Wrocław", "Poznań", "Gdańsk", "Lublin", "Katowice"),
        ("Rynek", "ulica Długa", "ulica Polna", "Aleja Lipowa", "ulica Szkolna", "ulica Ogrodowa"),
    ),
    "west": (
        ("Lisboa", "Porto", "Braga", "Coimbra", "Faro", "Setúbal"),
        ("Rua Direita", "Avenida da Liberdade", "Rua do Comércio", "Praça da República", "Rua Nova"),
    ),
}
REGIONS = ("north", "north", "north", "south", "south", "east", "east", "west")
SUPER = ("t4", "t4", "t4", "l4", "l4", "rtx-a2000", "rtx-a2000", "jetson-orin")
EXPRESS = ("jetson-orin", "jetson-orin", "rtx-a2000", "cpu-only")
GPUS = {"jetson-orin": 1, "t4": 1, "l4": 2, "rtx-a2000": 1, "cpu-only": 0}
CAMERAS = ("entrance", "exit", "till-1", "till-2", "till-3", "self-checkout", "dairy", "bakery", "fruit", "stockroom")
_PLAIN = str.maketrans("äöüéíáóúłńźćçã", "aoueiaoulnzcca")
_MAKERS = ("3c:ec:ef", "d0:50:99", "48:b0:2d", "e4:1f:13")


@dataclass(frozen=True)
class Draw:
    """What chance says of one store; the same for the same words, whatever else is asked."""

    seed: int
    number: int

    def digest(self, what: str) -> bytes:
        """Return 32 bytes for a purpose."""
        return hashlib.sha256(f"{self.seed}/{self.number}/{what}".encode()).digest()

    def below(self, limit: int, what: str) -> int:
        """Return a whole number from 0 up to a limit."""
        return int.from_bytes(self.digest(what)[:6], "big") % limit

    def of(self, choices: Sequence[str], what: str) -> str:
        """Return one of several."""
        return choices[self.below(len(choices), what)]


def fleet(count: int, *, seed: int = 1) -> str:
    """Return the inventory of so many stores, `store-001` and on."""
    return HEAD + "\n".join("\n".join(_store(Draw(seed, number))) + "\n" for number in range(1, count + 1))


def name_of(number: int) -> str:
    """Return the name of a store of the fleet, from 1."""
    return f"store-{number:03}"


def _store(draw: Draw) -> Iterator[str]:
    region = draw.of(REGIONS, "region")
    kind = "express" if draw.below(10, "format") < 4 else "super"
    profile = draw.of(EXPRESS if kind == "express" else SUPER, "profile")
    ring = draw.below(40, "ring")
    rings = (
        ["pilot"]
        if ring in (1, 2, 3) and profile != "cpu-only"
        else ["canary"]
        if ring == 0 and kind == "super"
        else []
    )
    if rings == ["canary"] and profile == "jetson-orin":
        rings = []  # no image for arm64 yet
    cities, streets = PLACES[region]
    city, street = draw.of(cities, "city"), draw.of(streets, "street")
    yield f"  {name_of(draw.number)}:"
    yield f"    title: {city}, {street} {draw.below(180, 'house') + 1}"
    yield f"    profile: {profile}"
    yield f"    groups: [{', '.join([region, kind, *rings])}]"
    yield from _exceptions(draw, profile, kind)
    net = f"10.{draw.number // 200 + 10}.{draw.number % 200 + 1}"
    yield from _cameras(draw, net, kind)
    two = kind == "super" and draw.below(12, "nodes") == 0
    yield "    nodes:"
    yield from _node(draw, "node-1", f"{net}.11", _host(draw, city, "a"), GPUS[profile])
    if two:  # the second one records, and has no GPU
        yield from _node(draw, "node-2", f"{net}.12", _host(draw, city, "b"), 0, "role: agent", "gpu: null")


def _exceptions(draw: Draw, profile: str, kind: str) -> Iterator[str]:
    """Yield what few stores have of their own."""
    chance = draw.below(60, "exception")
    if chance == 0:
        yield "    network: {uplink_mbit: 4, downlink_mbit: 16, rtt_ms: 120} # copper until the street is dug up"
    elif chance == 1:
        yield '    windows: {deploy: [{days: [sun], start: "02:00", end: "06:00"}]} # open at night in the week'
    elif chance == 2 and profile in ("t4", "l4"):
        yield '    models: {detector: {version: "1.4"}} # till the new shelves are there'
    elif chance == 3 and kind == "super":
        yield "    host: {free_bytes: 16GiB}"


def _cameras(draw: Draw, net: str, kind: str) -> Iterator[str]:
    count = 3 + draw.below(3, "cameras") if kind == "express" else 5 + draw.below(5, "cameras")
    yield "    cameras:"
    for index in range(count):
        rate = (10, 15, 15, 25)[draw.below(4, f"rate {index}")]
        yield f'      {CAMERAS[index]}: {{url: "rtsp://{net}.{21 + index}:554/stream1", frame_rate: {rate}}}'


def _node(draw: Draw, name: str, address: str, host: str, gpus: int, *settings: str) -> Iterator[str]:
    yield f"      {name}:"
    for setting in settings:
        yield f"        {setting}"
    yield f"        address: {address}"
    yield f"        ssh: {{host: {host}}}"
    yield f"        host_key: {_host_key(draw.digest(f'{name} key'))}"
    yield "        identity:"
    serial = base64.b32encode(draw.digest(f"{name} serial"))[:7].decode()
    yield f"          serial: S{serial}{draw.number:05}"
    first = draw.below(128, f"{name} mac") * 2 + (name == "node-2")
    mac = struct.pack(">BH", first, draw.number).hex()
    maker = draw.of(_MAKERS, f"{name} maker")
    last = ":".join(mac[at : at + 2] for at in (0, 2, 4))
    yield f'          macs: ["{maker}:{last}"]'
    if gpus:
        yield f"          gpus: [{', '.join(_gpu(draw.digest(f'{name} gpu {index}')) for index in range(gpus))}]"


def _host(draw: Draw, city: str, which: str) -> str:
    return f"{city.lower().translate(_PLAIN)}-{draw.number:03}{which}.stores.example"


def _host_key(key: bytes) -> str:
    """Return a public key line in the form of RFC 8709; nobody has its other half."""
    kind = b"ssh-ed25519"
    blob = struct.pack(">I", len(kind)) + kind + struct.pack(">I", len(key)) + key
    return f"{kind.decode()} {base64.b64encode(blob).decode()}"


def _gpu(digest: bytes) -> str:
    text = digest[:16].hex()
    return f"GPU-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(fleet(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
