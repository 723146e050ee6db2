"""Faults from the uplink on: its disk, the sink and the way there, drift, and what users have declared."""

from __future__ import annotations

import time

from edgectl.wire.chain import CLOCK, CONFIG, DEGRADED, NETWORK, NOT_READY, RESOURCE
from tests.stack.certificates import Pair
from tests.stack.chain.fault import Act, Fault, hangs, killed
from tests.stack.chain.rig import Rig
from tests.stack.sinks import ERROR, SLOW

# What only traffic shows is known later without it, for a sink within a minute. Events come without inference; canary
# frames do not.
_EVENTS = frozenset({"camera"})
_WAY = frozenset({"inference", "camera"})
_SINK = frozenset({"sink"})


def _not_writable(rig: Rig) -> None:
    rig.uplink.kill()
    rig.room.writable(yes=False)
    rig.uplink.start()


def _writable(rig: Rig) -> None:
    rig.uplink.kill()
    rig.room.writable(yes=True)
    rig.uplink.start()


def _full(rig: Rig) -> None:
    """Let the disk be full, and its file have no room in itself, as it has after many events have waited."""
    rig.uplink.kill()
    rig.room.clear()
    rig.uplink.start()
    rig.until("uplink", "disk")
    rig.room.fill()


def _little_room(rig: Rig) -> None:
    """Let it keep five events, at an hour at which it may not send."""
    hour = (time.gmtime().tm_hour + 12) % 24
    closed = {"windows": [{"start": f"{hour:02}:00", "end": f"{hour:02}:10"}]}
    file = rig.uplink_config(budget_events=5, sink=closed)
    rig.uplink.again("--config", str(file))


def _cert(pair: Pair) -> tuple[str, ...]:
    return ("--cert", str(pair.cert), "--key", str(pair.key))


def _at_front(fault: str, *, slow_seconds: float = 0.0) -> Act:
    def breaks(rig: Rig) -> None:
        rig.sink.kill()
        rig.stand_in(fault, slow_seconds=slow_seconds)

    return breaks


def _no_front(rig: Rig) -> None:
    rig.stand_in(None)
    rig.sink.start()


def _other_token(rig: Rig) -> None:
    other = rig.folder / "other-token"
    other.write_text("a token of another store\n")
    rig.sink.again("--token-file", str(other))


def _clock(rig: Rig) -> None:
    """Let the sink's clock be two hours behind this store's."""
    now = time.time()
    rig.sink.again(env={"EDGECTL_CLOCK": f"{1 - 7200 / now:.12f}@0"})


def _takes_and_keeps(rig: Rig, rule: str) -> None:
    rig.rules.write_text(f"topic {rule} #\n")
    rig.shelves.reread()


def _sink(
    kind: str,
    says: tuple[str, ...],
    breaks: Act,
    heals: Act = lambda rig: rig.sink.again(),
) -> Fault:
    return Fault(
        *("sink", NOT_READY, kind, ("sink not reached", *says)),
        breaks,
        heals,
        needs=_EVENTS,
        uses=_SINK,
    )


OUTSIDE = {
    "uplink: killed": killed("uplink"),
    "uplink: hangs": hangs("uplink", "no answer in time"),
    "uplink: its disk is full": Fault(
        *("uplink", DEGRADED, RESOURCE, ("uplink degraded", "disk: ", "the disk of")),
        _full,
        lambda rig: rig.room.empty(),
        needs=_EVENTS,
        uses=frozenset({"uplink", "disk"}),
    ),
    "uplink: its file cannot be written": Fault(
        *("uplink", DEGRADED, RESOURCE, ("uplink degraded", "disk: ", "uplink.db cannot be")),
        _not_writable,
        _writable,
        uses=frozenset({"uplink", "disk"}),
    ),
    "uplink: no room for what comes": Fault(
        *("uplink", DEGRADED, RESOURCE, ("uplink degraded", "queue: ", "events had no room in the last hour")),
        _little_room,
        lambda rig: rig.uplink.again(),
        needs=_EVENTS,
        uses=frozenset({"uplink"}),
    ),
    "sink: its name is not known": _sink(
        NETWORK,
        ("its name is not known (DNS)",),
        lambda rig: rig.resolves(yes=False),
        lambda rig: rig.resolves(yes=True),
    ),
    "sink: DNS does not answer": _sink(
        NETWORK,
        ("its name is not resolved (DNS does not answer)",),
        lambda rig: rig.resolves(yes=False, dns=True),
        lambda rig: rig.resolves(yes=True),
    ),
    "sink: refuses connections": _sink(NETWORK, ("refuses connections",), lambda rig: rig.sink.kill()),
    "sink: a black hole": Fault(
        *("sink", NOT_READY, NETWORK, ("sink not reached", "takes the connection, but says nothing (TLS)")),
        lambda rig: rig.sink.hold(),
        lambda rig: rig.sink.go_on(),
        needs=_EVENTS,
        uses=_SINK,
    ),
    "sink: its certificate has expired": _sink(
        CONFIG,
        ("its TLS certificate expired on",),
        lambda rig: rig.sink.again(*_cert(rig.certified("expired", days=(-30, -2)))),
    ),
    "sink: its certificate is for another name": _sink(
        CONFIG,
        ("its TLS certificate is for another name",),
        lambda rig: rig.sink.again(*_cert(rig.certified("other", host="other.test"))),
    ),
    "sink: its certificate is of a stranger": _sink(
        CONFIG,
        ("its TLS certificate is of an issuer that this store does not know",),
        lambda rig: rig.sink.again(*_cert(rig.strange())),
    ),
    "sink: answers HTTP 500": Fault(
        *("sink", NOT_READY, NETWORK, ("sink not reached", "answers HTTP 500 (Internal Server Error)")),
        _at_front(ERROR),
        _no_front,
        needs=_EVENTS,
        uses=_SINK,
    ),
    "sink: refuses the token": _sink(CONFIG, ("refuses this store's token (HTTP 401)",), _other_token),
    "sink: takes three seconds": Fault(
        *("sink", DEGRADED, NETWORK, ("sink degraded", "takes one event in 3.", " s: slow")),
        _at_front(SLOW, slow_seconds=3.0),
        _no_front,
        needs=_WAY,
        uses=_SINK,
    ),
    "sink: its clock is two hours behind": Fault(
        *("sink", DEGRADED, CLOCK, ("sink degraded", "this store's clock is 2 h ahead of that of")),
        _clock,
        lambda rig: rig.sink.again(),
        needs=_EVENTS,
        uses=_SINK,
    ),
    "drift: killed": killed("drift"),
    "till (http): answers 500": Fault(
        *("till", NOT_READY, NETWORK, ("till not ready", "answers HTTP 500, not 200")),
        lambda rig: setattr(rig.till, "status", 500),
        lambda rig: setattr(rig.till, "status", 200),
    ),
    "switch (tcp): refuses": Fault(
        *("switch", NOT_READY, NETWORK, ("switch silent", "connection refused")),
        lambda rig: rig.switch.close(),
        lambda rig: rig.switch.open(),
    ),
    "printer (exec): fails": Fault(
        *("printer", NOT_READY, NETWORK, ("printer not ready", "no paper in printer 2")),
        lambda rig: rig.prints(1),
        lambda rig: rig.prints(0),
    ),
    "shelves (mqtt): nothing comes back": Fault(
        *("shelves", NOT_READY, NETWORK, ("shelves not ready", "it takes messages and gives none back")),
        lambda rig: _takes_and_keeps(rig, "read"),
        lambda rig: _takes_and_keeps(rig, "readwrite"),
    ),
}
