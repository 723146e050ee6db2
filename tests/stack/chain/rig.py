"""A whole store of real parts on loopback: the services as processes, a real bus, TLS to a real sink, users' own.

Owns: how each part is run, and one look at all of it through the node's own code. Of Kubernetes there is only what
the look asks for (node.py). Must not know what is broken.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from edgectl.node.vision.chain import asked
from edgectl.node.vision.chain.declared import Declared
from edgectl.node.vision.chain.looked import Clocks, looked
from edgectl.node.vision.chain.memory import Memory
from edgectl.wire.chain import READY, Chain, Dependency, Endpoint
from edgectl.wire.chainlook import ChainLook
from edgectl.wire.payload import Inference
from tests.stack.broker import program
from tests.stack.camera.film import film
from tests.stack.certificates import Authority, Pair
from tests.stack.chain.net import claimed
from tests.stack.chain.node import COMMITTED, GPU, MODEL, NAME, StoreNode
from tests.stack.chain.own import Web
from tests.stack.chain.part import Part
from tests.stack.chain.room import Room
from tests.stack.sinks import FaultySink

CAMERAS, SINK_NAME = ("aisle", "front"), "sink.test"
OPS, ASKED, BUS, EVENTS = 9100, 8000, 1883, 8080
CANARY_SECONDS = 0.9
STATUS_SECONDS = 1.0  # what hangs costs the tests half of what it costs a store
START_SECONDS = 20.0
CANARIES_A_SECOND = 4.5  # of five that a camera sends
PACE_SECONDS = 1 / CANARIES_A_SECOND  # between two looks
Json = dict[str, Any]


class Rig:
    """`well` is a memory that has seen all of it well; faults reach for the parts."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="edgectl-chain-"))
        self.folder.chmod(0o755)  # users' programs run as nobody
        self.net = claimed()
        self.node = StoreNode(self.folder / "node")
        self.room = Room(self.folder)
        self.room.resolves(SINK_NAME, self.net.of("sink"))
        self._authority = Authority(self.folder)
        self.pair = self._authority.sign("sink", host=SINK_NAME)
        self.token = self._file("token", "a token of this store\n")
        self._ahead = self._asked_at = 0.0
        self._films()
        self._ports = {name: self.net.port(name, OPS) for name in ("camera", "inference", "uplink", "drift", "sink")}
        self._ports |= {"bus": self.net.port("bus", BUS), "shelves": self.net.port("shelves", BUS)}
        self.asked, self.events = self.net.port("inference", ASKED), self.net.port("sink", EVENTS)
        self.till, self.switch = (Web(self.net.of(name), self.net.port(name, 80 + OPS)) for name in ("till", "switch"))
        self.printer = self._file("printer.sh", "")
        self.rules = self._file("shelves.acl", "topic readwrite #\n")
        self.bus, self.shelves = self._broker("bus", ""), self._broker("shelves", f"acl_file {self.rules}\n")
        models = str(self.node.places.models)
        where = ("--host", self.net.of("inference"), "--port", str(self.asked))
        self.inference = self._service("inference", "--models", models, *where, "--model", MODEL)
        self.camera = self._service("camera", "--config", str(self._config("camera", self._of_camera())))
        self.drift = self._service("drift", "--config", str(self._config("drift", {**self._to_bus(), "data": "/no"})))
        flags = ("--config", str(self.uplink_config()))
        self.uplink = self._service("uplink", *flags, inside=self.room.inside)
        own = ("--port", str(self.events), "--token-file", str(self.token))
        self.sink = self._service("sink", *own, "--cert", str(self.pair.cert), "--key", str(self.pair.key))
        self.front: FaultySink | None = None  # what stands before the sink and answers instead
        for name in ("camera", "inference", "bus", "uplink", "drift", "sink", "shelves"):
            self.node.service(name, self.net.of(name))
        self.prints(0)
        self.taken: dict[str, Json] = {}  # what the API does not know for now
        self.well = Memory("b")

    @property
    def parts(self) -> tuple[Part, ...]:
        """All processes."""
        return (self.bus, self.shelves, self.sink, self.inference, self.uplink, self.camera, self.drift)

    @property
    def canary(self) -> str:
        """Where the camera takes canary frames."""
        return self._at((self.net.of("camera"), self._ports["camera"]))

    def until(self, name: str, link: str) -> None:
        """Wait until a service says that a thing that it needs is well."""
        until = time.monotonic() + START_SECONDS
        while self.status(name).get("links", {}).get(link, {}).get("word") != READY:
            assert time.monotonic() < until, f"{name}: {link} is not well: {self.status(name)}"
            time.sleep(0.05)

    def status(self, name: str) -> Json:
        """Return what a service says of itself; {} when it says nothing."""
        url = f"http://{self.net.of(name)}:{self._ports[name]}/status"
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            found: Json = json.loads(answer.read())
            return found
        return {}

    def last_words(self) -> str:
        """Return the end of what each service has said."""
        names = ("inference", "camera", "uplink", "drift", "sink")
        said = [f"{name}: {self.part(name).last_words[-300:]}" for name in names]
        return "\n".join([*said, *(f"{name} says {json.dumps(self.status(name))}" for name in names)])

    def part(self, name: str) -> Part:
        """Return a process by its name."""
        return next(part for part in self.parts if part.name == name)

    def start(self) -> None:
        """Begin."""
        for part in self.parts:
            part.start()

    def close(self) -> None:
        """End all of it, and leave nothing."""
        for part in self.parts:
            part.kill()
        self.stand_in(None)
        self.till.close()
        self.switch.close()
        self.room.close()
        self.net.close()
        shutil.rmtree(self.folder)

    def declared(self) -> Declared:
        """Return the store's chain as its inventory would have it."""
        ports = self._ports
        services = {name: Endpoint(name, ports[name]) for name in ("camera", "inference", "bus", "uplink", "drift")}
        own = (
            Dependency("till", "http", f"http://{self._at(self.till.at)}/health", required=True),
            Dependency("switch", "tcp", self._at(self.switch.at)),
            Dependency("printer", "exec", command=(str(self.printer), "--paper")),
            Dependency(
                "shelves", "mqtt", f"shelves.vision.svc:{ports['shelves']}", expect="shelves/ping", timeout_seconds=1.0
            ),
        )
        chain = Chain(
            "vision", services, dependencies=own, canary_seconds=CANARY_SECONDS, canary_ms=1000 * CANARY_SECONDS
        )
        known = json.loads((COMMITTED / "reference.json").read_bytes())
        answer = tuple(np.asarray(known["answer"], dtype=float).ravel().tolist())
        question = Inference("vision", "inference", self.asked, MODEL, known["request"], answer, known["tolerance"])
        return Declared(NAME, chain, GPU, (MODEL,), question)

    def look(self, memory: Memory) -> tuple[ChainLook, Memory]:
        """Look as the watchdog does, but for its pauses: they are passed over in less time."""
        self._pass(1.0)
        clocks = Clocks(lambda: time.monotonic() + self._ahead, lambda: time.time() + self._ahead, self._pass)
        with patch.object(asked, "_STATUS_SECONDS", STATUS_SECONDS):
            return looked(self.node, self.declared(), memory, clocks=clocks)

    def _pass(self, seconds: float) -> None:
        """Let the clock go on by so much, and wait only as long as the camera needs between two canary frames."""
        time.sleep(max(self._asked_at + PACE_SECONDS - time.monotonic(), 0.0))
        self._asked_at = time.monotonic()
        self._ahead += seconds

    def uplink_config(self, **store: Any) -> Path:
        """Write what the uplink is told; `store` and `sink` may be told otherwise."""
        sink = {
            "url": f"https://{SINK_NAME}:{self.events}/events",
            "ca_file": str(self._authority.file),
            "token_file": str(self.token),
            "every_seconds": 0.5,
            "timeout_seconds": 3.5,
            **store.pop("sink", {}),
        }
        room = {
            "path": str(self.room.disk / "uplink.db"),
            "budget_bytes": 256 << 20,
            "keep_free_bytes": 1 << 20,
            **store,
        }
        return self._config("uplink" if not store else "uplink-other", {**self._to_bus(), "sink": sink, "store": room})

    def certified(self, name: str, *, host: str = SINK_NAME, days: tuple[float, float] = (-30, 30)) -> Pair:
        """Return another certificate of the sink's, of the authority that this store knows."""
        return self._authority.sign(name, host=host, days=days)

    def strange(self) -> Pair:
        """Return a certificate of an authority that it does not know."""
        return Authority(self.folder, "stranger").sign("strange", host=SINK_NAME)

    def stand_in(self, fault: str | None, *, slow_seconds: float = 0.0) -> None:
        """Let something before the sink answer instead of it; None: no more."""
        if self.front is not None:
            self.front.fault = ""
            self.front.close()
            self.front.ledger.close()
            self.front = None
        if fault is not None:
            self.front = FaultySink(
                host=self.net.of("sink"), port=self.events, pair=self.pair, slow_seconds=slow_seconds, keeps=False
            )
            self.front.fault = fault

    def resolves(self, *, yes: bool, dns: bool = False) -> None:
        """Let the sink's name be known, or not; what is connected ends."""
        if yes:
            self.room.resolves(SINK_NAME, self.net.of("sink"))
        else:
            self.room.resolves_nothing(dns=dns)
        self.sink.again()

    def show(self, camera: str, film_of: str | None) -> None:
        """Let a camera's source be the film of this name, or gone."""
        place = self.folder / f"{camera}.avi"
        if film_of is None:
            place.unlink(missing_ok=True)
            return
        staged = place.with_suffix(".new")
        shutil.copy(self.folder / f"film-{film_of}.avi", staged)
        staged.replace(place)

    def prints(self, code: int) -> None:
        """Let the program of the users' end so."""
        words = {0: "paper for 3 days", 1: "no paper in printer 2"}[code]
        staged = self.printer.with_suffix(".new")  # one that runs cannot be written to
        staged.write_text(f"#!/bin/sh\necho {words}\nexit {code}\n")
        staged.chmod(0o755)
        staged.replace(self.printer)

    def _films(self) -> None:
        film(self.folder / "film-walk.avi", frames=10, codec="ffv1")
        film(self.folder / "film-still.avi", frames=10, codec="ffv1", still=True)
        for name in CAMERAS:
            self.show(name, "walk")

    def _of_camera(self) -> Json:
        cameras = {
            name: {"source": f"file:{self.folder / name}.avi", "fps": 2.5, "motion": 0.0, "frozen_seconds": 2.0}
            for name in CAMERAS
        }
        return {
            **self._to_bus(),
            "cameras": cameras,
            "inference": {"url": f"http://{self.net.of('inference')}:{self.asked}", "deadline_ms": 800.0},
            "outbox": {"resend_seconds": 3.0},
            "events": {"mode": "all", "min_interval_seconds": 0.3},
        }

    def _to_bus(self) -> Json:
        return {"bus": {"host": self.net.of("bus"), "port": self._ports["bus"]}}

    def _config(self, name: str, doc: Mapping[str, Any]) -> Path:
        return self._file(f"{name}.json", json.dumps(doc))

    def _file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def lets_in(self, name: str, *, yes: bool, more: str = "") -> Path:
        """Write what a broker is told, for its next start: whether it takes who names no user."""
        where = f"user root\nlistener {self._ports[name]} {self.net.of(name)}\npersistence false\n"
        return self._file(f"{name}.conf", f"{where}allow_anonymous {str(yes).lower()}\n{more}")

    def _broker(self, name: str, more: str) -> Part:
        file = self.lets_in(name, yes=True, more=more)
        return Part(name, (program(), "-c", str(file)), self.folder / f"{name}.log")

    def _service(self, name: str, *flags: str, inside: tuple[str, ...] = ()) -> Part:
        where = ("--host", self.net.of(name), "--ops-port", str(self._ports[name]))
        argv = (sys.executable, "-m", f"edgectl.stack.{name}", *flags, *where)
        return Part(name, argv, self.folder / f"{name}.log", inside=inside)

    @staticmethod
    def _at(place: tuple[str, int]) -> str:
        return f"{place[0]}:{place[1]}"
