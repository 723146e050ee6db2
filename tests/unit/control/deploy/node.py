"""A node in memory, as the operator sees it: it remembers blobs, slots and journals; its link breaks when told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgectl.control.link.lost import LinkLost
from edgectl.wire.document import digest_of, from_json
from edgectl.wire.envelope import Envelope, judge
from edgectl.wire.errors import EdgectlError

Line = tuple[dict[str, Any], int]  # an event, and the offset behind it


@dataclass
class Node:
    """`breaks_at` numbers the frame (either way) at which the link breaks; 0 never. `ends` is how each run ends."""

    ends: dict[str, Any] = field(default_factory=lambda: {"word": "ready", "reason": "", "exit": 0})
    breaks_at: int = 0
    breaks_again: bool = False
    power_cut: bool = False
    asks_again: str = ""  # digest of a blob that it takes, and then wants once more
    refuses: EdgectlError | None = None
    stages: EdgectlError | None = None
    faster: str = ""  # digest of a payload that becomes current between a greeting and the offer after it
    frames: int = 0
    broken: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    current: dict[str, Any] | None = None
    newest: dict[str, Any] | None = None
    sequence: int = 0
    journals: dict[str, list[Line]] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)
    on_receive: Callable[[], None] = lambda: None

    def connect(self) -> Session:
        """Open a session and greet."""
        session = Session(self)
        self.sessions.append(session)
        session.say("hello", current=self.current, newest=self.newest, sequence=self.sequence)
        return session

    def begin(self, envelope: dict[str, Any]) -> str:
        """Run a deploy to its end; returns its id."""
        run = f"run{len(self.journals) + 1}"
        applied = not self.current or self.current["payload"] != envelope["payload"]
        word = "changed" if applied else "ok"
        events: list[dict[str, Any]] = [
            {"kind": "step", "step": step, "word": word} for step in ("files", "k3s", "gpu")
        ]
        data = {"exit": self.ends["exit"], "looked": 3, "changed": ["files", "k3s", "gpu"] if applied else []}
        events.append({"kind": "verdict", "word": self.ends["word"], "reason": self.ends["reason"], "data": data})
        decided = {"run": run, "time": f"after {run}"}
        if applied:
            self.newest = dict(envelope)
        if self.power_cut:
            self.power_cut = False
            del events[1:]
        elif self.ends["exit"] in {0, 9}:
            self.current = {"payload": envelope["payload"], "sequence": envelope["sequence"]}
            self.newest = {**envelope, "promoted": decided} if applied else self.newest
        elif self.current and applied:
            self.newest = {**envelope, "rejected": {**decided, "reason": self.ends["reason"]}}
        self.sequence = int(envelope["sequence"])
        self.journals[run] = [({**event, "run": run}, 100 * (index + 1)) for index, event in enumerate(events)]
        return run


class Session:
    """One connection to it; also its own frames."""

    key = "SHA256:test"
    link_bytes = 10
    queued_bytes = 0

    def __init__(self, node: Node) -> None:
        self.node = node
        self.frames = self
        self.closed = False
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self._outbox: deque[dict[str, Any]] = deque()
        self._offer: dict[str, Any] = {}
        self._blob: tuple[str, int] = ("", 0)
        self._stages = False

    def is_alive(self) -> bool:
        """Say whether it was hung up."""
        return not self.closed

    def say(self, op: str, **fields: Any) -> None:
        """Let the node say something; it is heard at the next receive."""
        self._outbox.append({"op": op, **fields})

    def send(self, op: str, /, **fields: Any) -> None:
        """Take a frame of the operator."""
        self._count(f"-> {op}")
        self.sent.append((op, fields))
        answer: Callable[[dict[str, Any]], None] = getattr(self, f"_take_{op}")
        answer(fields)

    def send_bytes(self, data: bytes) -> None:
        """Take bytes of a blob; what has come stays, whatever happens to the link."""
        digest, _ = self._blob
        half = len(data) // 2
        self.node.blobs[digest] = self.node.blobs.get(digest, b"") + data[:half]
        self._count("-> bytes")
        self.node.blobs[digest] += data[half:]

    def receive(self) -> dict[str, Any]:
        """Give the operator the next frame."""
        self.node.on_receive()
        self._count(f"<- {self._outbox[0]['op'] if self._outbox else 'nothing'}")
        assert self._outbox, "the operator waits for a frame that will never come"
        return self._outbox.popleft()

    def close(self) -> None:
        """Hang up."""
        self.closed = True

    def _count(self, what: str) -> None:
        assert not self.closed, "the operator uses a closed session"
        self.node.frames += 1
        if self.node.frames == self.node.breaks_at:
            self.node.broken = what
            if self.node.breaks_again:
                self.node.frames = 0
            raise LinkLost("the link to node-1 is lost: cut", hint="the same command re-attaches")

    def _take_stage(self, asked: dict[str, Any]) -> None:
        if self.node.stages:
            self.say("error", **self.node.stages.to_json())
            return
        self._stages = True
        if not self._want(asked["blobs"]):
            self._take_sent({})

    def _take_deploy(self, asked: dict[str, Any]) -> None:
        if self.node.refuses:
            self.say("error", **self.node.refuses.to_json())
            return
        if self.node.faster:
            sequence = self.node.sequence + 1
            self.node.current = {"payload": self.node.faster, "sequence": sequence}
            self.node.sequence, self.node.faster = sequence, ""
        try:
            runs = str((self.node.current or {}).get("payload", ""))
            judge(from_json(Envelope, asked["envelope"]), store="", current=runs, sequence=self.node.sequence)
        except EdgectlError as error:
            self.say("error", **error.to_json())
            return
        self._offer = asked["envelope"]
        self._stages = False
        if not self._want(asked["blobs"]):
            self._take_sent({})

    def _want(self, blobs: dict[str, int]) -> list[dict[str, Any]]:
        wanted = [
            {"digest": digest, "size": size, "have_bytes": len(self.node.blobs.get(digest, b""))}
            for digest, size in blobs.items()
            if digest_of(self.node.blobs.get(digest, b"")) != digest
        ]
        self.say("want", blobs=wanted)
        return wanted

    def _take_blob(self, announced: dict[str, Any]) -> None:
        assert announced["offset"] == len(self.node.blobs.get(announced["digest"], b""))
        self._blob = (announced["digest"], announced["bytes"])

    def _take_sent(self, _: dict[str, Any]) -> None:
        if again := self.node.asks_again:
            self.node.asks_again, data = "", self.node.blobs.pop(again)
            self.say("note", reason="could not be made of what is here, sent whole: image vision")
            self.say("want", blobs=[{"digest": again, "size": len(data), "have_bytes": 0}])
            return
        if self._stages:
            self.say("staged", sequence=self.node.sequence)
            return
        run = self.node.begin(self._offer)
        self.say("note", reason="a heal steps aside")
        self.say("accepted", run=run, sequence=self.node.sequence)
        self._take_follow({"run": run, "offset": 0})

    def _take_follow(self, asked: dict[str, Any]) -> None:
        lines = [line for line in self.node.journals.get(asked["run"], []) if line[1] > asked["offset"]]
        for event, behind in lines:
            self.say("event", event=event, offset=behind)
            self.say("beat")
        ended = bool(lines) and lines[-1][0]["kind"] == "verdict"  # as a real one: who asks behind it asks in vain
        self.say("end" if ended else "lost", run=asked["run"])
