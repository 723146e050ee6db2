"""Telling upward: the order, what counts as arrived, and what happens to what the other side does not want."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.node.converge.lock import Lock
from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.outbox import told as notes
from edgectl.node.outbox.drain import JOURNAL_BYTES, drain
from edgectl.node.outbox.post import Answer, Unsent
from edgectl.node.outbox.queue import BEAT, JOURNAL, VERDICT, Entry, Queue, entries
from edgectl.node.outbox.told import Told
from edgectl.wire.beat import Beat, encode
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.payload import Host, K3s, Node, Payload, StoreSecret, Uplink

URL = "https://upward.example.com/edgectl"
TOKEN = "hunter2-token"  # noqa: S105 - of nobody
SAID = Beat("store-042", "node-1", "", 0, "3f925d", 1, 0, "ready", 5, 10, 0, 1, 1, 40)


@dataclass
class Server:
    """The other side: it remembers what it has taken, and answers as it is told to."""

    answers: list[int | str | Answer] = field(default_factory=list)  # a text: the link breaks
    got: list[tuple[str, bytes]] = field(default_factory=list)  # id, body
    headers: list[Mapping[str, str]] = field(default_factory=list)
    token: str = ""
    closed: int = 0
    where: str = "https://upward.example.com"
    on_post: Callable[[], object] = lambda: None

    def __call__(self, url: str, token: str) -> Server:
        """Stand for the poster's class."""
        assert url == URL
        self.token = token
        return self

    def post(self, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Answer:
        """Take or refuse one."""
        assert seconds == pytest.approx(20 + len(body) / 1000)
        self.on_post()
        self.headers.append(headers)
        answer = self.answers.pop(0) if self.answers else 200
        if answer in {200, "taken and cut"}:
            self.got.append((headers["Edgectl-Id"], body))
        if isinstance(answer, str):
            raise Unsent(answer)
        return answer if isinstance(answer, Answer) else Answer(answer)

    def close(self) -> None:
        """Hang up."""
        self.closed += 1

    @property
    def ids(self) -> list[str]:
        """What was taken, by number."""
        return [name.rpartition("-")[2] for name, _ in self.got]


@dataclass
class Store:
    """A node with a queue and a way up."""

    places: Places
    server: Server = field(default_factory=Server)
    now: float = 1000.0

    def declare(self, uplink: Uplink | None, *, agent: bool = False) -> None:
        """Accept a payload with this uplink."""
        k3s = K3s("v1", "sha256:0", "k3s.service", (), ())
        nodes = [Node("node-1", "server", "10.77.0.11", Host(1), k3s)]
        if agent:
            nodes.append(Node("node-2", "agent", "10.77.0.12", Host(1), k3s))
        secret = StoreSecret("up", ("vision",), {"token": "1"})
        payload = Payload("store-042", "", tuple(nodes), (), {}, secrets=(secret,), uplink=uplink)
        self.places.blobs.mkdir(parents=True, exist_ok=True)
        self.places.blob(payload.digest).write_bytes(payload.encode())
        slots = Slots(self.places)
        name = nodes[-1].name
        offer = Envelope(
            "store-042", name, payload.digest, digest_of(b""), "", slots.sequence + 1, "t", Sender("ada", "laptop")
        )
        slots.promote(slots.accept(offer))

    def put(self, kind: str, text: str = "x") -> Entry:
        """Queue one."""
        queue = Queue(self.places.outbox, 1 << 20)
        if kind == BEAT:
            return queue.put(BEAT, lambda box, n: encode(replace(SAID, box=box, n=n)))
        if kind == VERDICT:
            return queue.put(VERDICT, lambda box, n: canonical({"n": n, "box": box}))
        source = self.places.root / "journal"
        source.unlink(missing_ok=True)
        source.write_text(text)
        return queue.put_file(JOURNAL, source, run="3f92")

    def drain(self) -> Told:
        """Tell, a minute later."""
        self.now += 60
        told = drain(self.places, monotonic=lambda: self.now, poster=self.server)  # type: ignore[arg-type]
        assert told is not None
        return told

    @property
    def waits(self) -> list[int]:
        """The numbers of what has not arrived."""
        acked = set(notes.read(self.places).acked)
        return [entry.n for entry in entries(self.places.outbox) if entry.id not in acked]


def made(folder: Path) -> Store:
    """Return a node with a way up that needs no secret."""
    store = Store(Places(folder))
    store.places.run.mkdir(parents=True)
    store.declare(Uplink(URL))
    return store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return it."""
    return made(tmp_path)


def test_beat_verdicts_journals(store: Store) -> None:
    """The newest beat first, then what is small, then journals, each oldest first; nothing is left."""
    for kind in (VERDICT, JOURNAL, BEAT, VERDICT, JOURNAL, BEAT):
        store.put(kind)
    told = store.drain()
    assert store.server.ids == ["6", "3", "1", "4", "2", "5"]
    assert (store.waits, told.fails, told.last != "") == ([], 0, True)
    assert [entry.n for entry in entries(store.places.outbox)] == [6]  # by which the next is counted
    head = store.server.headers[0]
    box = entries(store.places.outbox)[0].box
    assert head["Edgectl-Id"] == f"store-042/node-1/{box}-6"
    assert (head["Edgectl-Store"], head["Edgectl-Node"], head["Edgectl-Kind"]) == ("store-042", "node-1", "beat")
    assert store.server.headers[-1]["Content-Encoding"] == "gzip"


def test_what_has_arrived_is_not_told_again(store: Store) -> None:
    """Law: nothing waits, nothing travels: not even a connection is made."""
    store.put(BEAT)
    store.drain()
    store.drain()
    assert store.server.ids == ["1"]
    store.put(BEAT)
    store.drain()
    assert store.server.ids == ["1", "2"]
    assert [entry.n for entry in entries(store.places.outbox)] == [2]


@given(
    st.lists(
        st.one_of(
            st.sampled_from([BEAT, VERDICT, JOURNAL]),
            st.lists(st.sampled_from([200, 500, 401, 422, "cut", "taken and cut"]), max_size=6),
        ),
        max_size=25,
    )
)
def test_nothing_is_lost_on_the_way(steps: list[str | list[int | str]]) -> None:
    """Law: an entry leaves the queue when the other side has taken it, or has said that it never will; never before.

    What it gets twice bears the same name and the same bytes. Seeded: an entry that goes before its answer.
    """
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = made(Path(folder))
        put: set[str] = set()
        for step in steps:
            if isinstance(step, str):
                put.add(str(store.put(step, f"journal {len(put)}").n))
                continue
            store.server.answers = list(step)
            store.drain()
            store.server.answers = []
        refused = notes.read(store.places).refused
        gone = put - {str(n) for n in store.waits}
        assert len(gone - set(store.server.ids)) <= refused
        bodies: dict[str, set[bytes]] = {}
        for name, body in store.server.got:
            bodies.setdefault(name, set()).add(body)
        assert all(len(found) == 1 for found in bodies.values())
        for _ in range(3):
            store.drain()
        assert store.waits == []


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 429, 500, 503])
def test_what_stands_against_all_drops_nothing(store: Store, status: int) -> None:
    """Law: a wrong token or address, a redirect, a server that is down: all of it waits, and the reason is kept."""
    for kind in (VERDICT, JOURNAL, BEAT):
        store.put(kind)
    store.server.answers = [status]
    told = store.drain()
    assert (store.waits, store.server.got) == ([1, 2, 3], [])
    assert (told.fails, told.why) == (1, f"https://upward.example.com answered {status}")
    store.server.answers = [200, status]
    assert store.drain().refused == 0
    assert store.waits == [1, 2]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_stands_against_one_drops_that_one(store: Store, status: int) -> None:
    """Law: an entry that the other side never wants does not block those behind it, and the drop is noted."""
    for kind in (VERDICT, VERDICT, BEAT):
        store.put(kind)
    store.server.answers = [200, status, 200]
    told = store.drain()
    assert (store.server.ids, store.waits) == (["3", "2"], [])
    assert told.refused == 1
    assert f"answered {status} to verdict" in told.refusal


def test_an_address_that_wants_nothing_at_all_drops_nothing(store: Store) -> None:
    """Law: only who has taken the beat may refuse an entry: a proxy that says 400 to everything empties no queue."""
    for kind in (VERDICT, BEAT):
        store.put(kind)
    store.server.answers = [400]
    assert store.drain().refused == 0
    assert store.waits == [1, 2]


def test_a_server_may_ask_for_time(store: Store) -> None:
    """Retry-After counts, up to 15 minutes."""
    store.put(BEAT)
    store.server.answers = [Answer(503, 600.0)]
    assert store.drain().again - store.now == 600
    store.server.answers = [Answer(503, 86400.0)]
    assert store.drain().again - store.now == 900


def test_a_deploy_has_the_line(store: Store) -> None:
    """Law: while a deploy sends, the beat goes, and nothing else."""
    for kind in (VERDICT, JOURNAL, BEAT):
        store.put(kind)
    with Lock(store.places.run / "sending", {}) as lock:
        assert lock.acquire()
        store.drain()
        assert store.server.ids == ["3"]
    store.drain()
    assert store.waits == []


def test_journals_take_a_minute_each_64_kib(store: Store) -> None:
    """Law: a backlog of journals is told at 64 KiB a minute on the average; beats and verdicts do not wait for it."""
    import random

    noise = random.Random(1)  # noqa: S311 - bytes that do not pack
    for _ in range(8):
        store.put(JOURNAL, "".join(chr(noise.randrange(33, 126)) for _ in range(40_000)))
    minutes = 0
    while store.waits:
        store.put(BEAT)
        had = len(store.server.got)
        store.drain()
        assert store.server.ids[had] == str(entries(store.places.outbox)[-1].n)
        minutes += 1
    total = sum(len(body) for name, body in store.server.got if len(body) > 10_000)
    assert total / JOURNAL_BYTES - 1 <= minutes <= total / JOURNAL_BYTES + 2


def test_time_is_over_and_it_goes_on(store: Store) -> None:
    """A drain ends after its seconds, which is no failure; the next goes on behind it."""
    for kind in (VERDICT, VERDICT, VERDICT, BEAT):
        store.put(kind)
    store.server.on_post = lambda: setattr(store, "now", store.now + 30)
    told = store.drain()
    assert (store.server.ids, told.fails, told.why) == (["4", "1"], 0, "")
    store.drain()
    assert store.server.ids == ["4", "1", "4", "2"]


@pytest.mark.parametrize("kind", [BEAT, VERDICT])
@pytest.mark.parametrize("torn", [b"", b"\xff", b"{", b"[1]", b"edgectl=1 store"])
def test_a_torn_file_blocks_nothing(store: Store, kind: str, torn: bytes) -> None:
    """Law: what is no entry any more is passed over and goes; if it stands last, its number is not given again."""
    store.put(VERDICT).path.write_bytes(torn)
    last = store.put(kind)
    store.put(BEAT)
    last.path.write_bytes(torn)
    store.drain()
    assert store.server.ids == ["3"]
    assert store.waits == []
    spoilt = store.put(VERDICT)
    spoilt.path.write_bytes(torn)
    store.drain()
    assert store.waits == []
    assert store.put(BEAT).n == spoilt.n + 1


def test_two_at_once_are_one(store: Store) -> None:
    """Whoever comes second does nothing."""
    store.put(BEAT)
    with Lock(store.places.run / "uplink", {}) as lock:
        assert lock.acquire()
        assert drain(store.places, poster=store.server) is None  # type: ignore[arg-type]
    assert store.server.got == []


def test_no_uplink_no_telling(store: Store) -> None:
    """A store that declares none has nobody to tell."""
    store.declare(None)
    store.put(BEAT)
    assert drain(store.places, poster=store.server) is None  # type: ignore[arg-type]


def test_the_token_is_the_stores(store: Store) -> None:
    """It comes from what the node keeps of the store's secrets; without it nothing is sent, and that is said."""
    store.declare(Uplink(URL, "up/token"))
    store.put(BEAT)
    assert store.drain().why == "the secret up/token is not on this node"
    store.places.secret_values.parent.mkdir(parents=True)
    for bad in (f"{TOKEN}\r\nX: y", f"{TOKEN} {TOKEN}", f"{TOKEN}\u00e9"):
        store.places.secret_values.write_text(json.dumps({"up": {"token": bad}}))
        assert store.drain().why == "the secret up/token is no bearer token"
    assert store.server.got == []
    store.places.secret_values.write_text(json.dumps({"up": {"token": f"{TOKEN}\n"}}))
    told = store.drain()
    assert (store.server.token, store.server.ids, told.why) == (TOKEN, ["1"], "")
    kept = [path for path in store.places.root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert kept == [store.places.secret_values]


def test_an_agent_has_no_secrets(store: Store) -> None:
    """It says where they are."""
    store.declare(Uplink(URL, "up/token"), agent=True)
    store.put(BEAT)
    assert store.drain().why.endswith("is not on this node; the store's secrets lie on node-1 alone")


@pytest.mark.parametrize("url", ["http://upward.example.com/", "https://ada:hunter2@upward.example.com/"])
def test_the_node_keeps_the_rule_for_addresses(store: Store, url: str) -> None:
    """Law: also a payload that some other program has made sends no token in the open."""
    store.declare(Uplink(url))
    store.put(BEAT)
    told = store.drain()
    assert "refused" in told.why
    assert "hunter2" not in told.why
    assert store.server.got == []
