"""The conversation of a deploy: it reaches its verdict whatever the link does, and shows nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from edgectl.control.deploy.deploy import Deploy
from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.outcome import Outcome
from edgectl.control.deploy.transfer import Progress
from edgectl.control.link.lost import LinkLost, WrongHostKey
from edgectl.control.link.session import Session as RealSession
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import EdgectlError, Locked, NotReady, Refused, StepFailed, Unreachable
from tests.unit.control.deploy.node import Node
from tests.unit.control.deploy.silent import Silent

BLOB = bytes(range(100))  # cannot be packed
PAYLOAD = b"payload"
OFFER = Offer(
    store="store-042",
    node="node-1",
    payload=digest_of(PAYLOAD),
    runtime="sha256:r",
    blobs={digest_of(PAYLOAD): len(PAYLOAD), digest_of(BLOB): len(BLOB)},
    sources={digest_of(PAYLOAD): PAYLOAD, digest_of(BLOB): BLOB},
    sender=Sender("ada", "laptop"),
)


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += max(seconds, 0.01)


@dataclass
class Heard(Silent):
    """A listener that remembers."""

    events: list[dict[str, Any]] = field(default_factory=list)
    losses: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    backs: int = 0
    sent: tuple[int, int] = (0, 0)

    def event(self, event: dict[str, Any]) -> None:
        """Remember it."""
        self.events.append(event)

    def link_lost(self, why: str, attempt: int) -> None:
        """Remember the attempt."""
        assert why
        self.losses.append(attempt)

    def link_back(self) -> None:
        """Count it."""
        self.backs += 1

    def note(self, sentence: str) -> None:
        """Remember it."""
        self.notes.append(sentence)

    def sending(self, look: Callable[[], Progress]) -> None:
        """Remember the last; it never goes back."""
        progress = look()
        assert progress.sent_bytes >= self.sent[0]
        self.sent = (progress.sent_bytes, progress.total_bytes)


def deploy(node: Node, heard: Heard | None = None, clock: Clock | None = None, connect: Any = None) -> Deploy:
    clock = clock or Clock()
    return Deploy(
        OFFER,
        cast("Any", connect or node.connect),
        heard or Heard(),
        monotonic=lambda: clock.now,
        sleep=clock.sleep,
        reconnect_seconds=60,
    )


def brought(node: Node, heard: Heard | None = None) -> Outcome:
    return deploy(node, heard).run()


def test_a_bare_node_gets_everything_once() -> None:
    """All blobs, one run, one session; then nothing is sent and nothing changes."""
    node, heard = Node(), Heard()
    first = brought(node, heard)
    assert (first.verdict["word"], first.sequence, first.before, first.sessions) == ("ready", 1, 0, 1)
    assert first.blob_bytes == len(PAYLOAD) + len(BLOB)
    assert heard.sent == (first.blob_bytes, first.blob_bytes)
    assert first.changed == ("files", "k3s", "gpu")
    assert heard.notes == ["a heal steps aside"]
    second = brought(node)
    assert (second.blob_bytes, second.changed, second.before, second.serving) == (0, (), 1, 1)
    assert all(session.closed for session in node.sessions)


def test_what_the_node_has_kept_of_a_cut_piece_is_counted() -> None:
    """Law: the content that came is what the node lacked, however little of it was written when the link died."""
    whole = Node()
    brought(whole)
    ends = []
    for at in range(2, whole.frames):
        node = Node(breaks_at=at)
        ended = brought(node)
        if node.broken == "-> bytes":
            ends.append((ended.sessions, ended.blob_bytes))
    assert ends
    assert set(ends) == {(2, len(PAYLOAD) + len(BLOB))}


def test_what_the_node_could_not_make_is_sent_once_more_and_counted() -> None:
    """Law: a second `want` on one link is more to send: said, shown to its end, and nothing goes back."""
    node, heard = Node(asks_again=digest_of(BLOB)), Heard()
    ended = brought(node, heard)
    assert ended.verdict["word"] == "ready"
    assert ended.bytes_missing == len(PAYLOAD) + len(BLOB)
    assert ended.blob_bytes == ended.wire_bytes == len(PAYLOAD) + 2 * len(BLOB)
    assert heard.sent == (ended.blob_bytes, ended.blob_bytes)
    assert heard.notes == ["could not be made of what is here, sent whole: image vision", "a heal steps aside"]


def test_the_offer_names_what_it_is_based_on_and_whose_key_was_let_in() -> None:
    """Compare-and-swap: base and sequence are what this session's greeting said."""
    node = Node()
    brought(node)
    brought(node)
    envelope = node.sessions[1].sent[0][1]["envelope"]
    assert (envelope["base"], envelope["sequence"]) == (OFFER.payload, 2)
    assert envelope["sender"] == {"user": "ada", "host": "laptop", "key": "SHA256:test"}


def test_the_link_breaks_at_every_frame() -> None:
    """Whichever frame is the last, the same deploy comes back, reaches the verdict and says each event once."""
    broken = []
    for frame in range(1, 100):
        node, heard = Node(breaks_at=frame), Heard()
        outcome = brought(node, heard)
        assert outcome.verdict["word"] == "ready"
        assert node.current is not None
        said = [(event["run"], event.get("step", "verdict")) for event in heard.events]
        assert len(said) == len(set(said)), f"twice, broken at {node.broken}"
        assert [step for run, step in said if run == outcome.run] == ["files", "k3s", "gpu", "verdict"]
        assert outcome.link_bytes == 10 * len(node.sessions)
        if not node.broken:
            break
        assert (heard.losses, heard.backs, outcome.sessions) == ([1], 1, 2)
        broken.append(node.broken)
    else:
        pytest.fail("it never ends")
    assert {"<- hello", "-> deploy", "<- want", "-> blob", "-> bytes", "-> sent", "<- accepted", "<- event"} < set(
        broken
    )
    assert broken[-1] == "<- event", "the verdict is the end, whatever would follow"


def test_what_has_come_is_not_sent_again() -> None:
    """A blob goes on at the last byte that arrived."""
    node = Node(breaks_at=5)
    outcome = brought(node)
    assert node.broken == "-> bytes"
    asked = [fields for session in node.sessions for op, fields in session.sent if op == "blob"]
    assert asked[1]["offset"] == asked[0]["bytes"] // 2
    assert outcome.verdict["word"] == "ready"
    assert node.blobs == {digest_of(BLOB): BLOB, digest_of(PAYLOAD): PAYLOAD}


def test_it_follows_from_where_it_was() -> None:
    """After a loss in the middle of a run, the node is asked for the rest of this run only."""
    node, heard = Node(), Heard()
    brought(node)
    node.breaks_at, node.frames = 8, 0
    outcome = brought(node, heard)
    assert node.broken == "<- event"
    assert node.sessions[-1].sent == [("follow", {"run": outcome.run, "offset": 100})]
    assert [event.get("step") for event in heard.events] == ["files", "k3s", "gpu", None]


def test_it_gives_up_after_its_time_and_says_how_to_come_back() -> None:
    """The pauses grow, the attempts are counted, and the node is left alone with a sentence."""
    node, heard, clock = Node(breaks_at=1, breaks_again=True), Heard(), Clock()
    with pytest.raises(Unreachable) as error:
        deploy(node, heard, clock).run()
    assert "edgectl journal store-042 --follow" in error.value.hint
    assert "goes on by itself" in error.value.hint
    assert clock.slept[:5] == [0.0, 1.0, 2.0, 5.0, 10.0]
    assert 60 < clock.now < 80
    assert heard.losses == list(range(1, len(heard.losses) + 1))


def test_a_greeting_alone_earns_no_time() -> None:
    """A link that lets a greeting through and nothing else is given up like one that is gone."""
    node, heard, clock = Node(), Heard(), Clock()
    first = deploy(node, heard, clock)
    node.breaks_at, node.breaks_again = 2, True  # each session dies right after its greeting

    def enough() -> None:
        clock.now += 50

    node.on_receive = enough
    with pytest.raises(LinkLost) as raised:
        first.run()
    assert "re-attach" in raised.value.hint
    assert max(heard.losses) > 1


@pytest.mark.parametrize("error", [Locked("bob deploys", hint="wait"), Refused("old"), NotReady("disk full")])
def test_what_the_node_refuses_is_passed_on(error: EdgectlError) -> None:
    """As it was said, at once: coming back would not help."""
    node = Node(refuses=error)
    with pytest.raises(type(error)) as raised:
        brought(node)
    assert (raised.value.message, raised.value.hint) == (error.message, error.hint)
    assert len(node.sessions) == 1
    assert node.sessions[0].closed


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("faster", [OFFER.payload, digest_of(b"theirs")])
def test_a_store_that_changed_behind_its_greeting(faster: str, *, cut: bool) -> None:
    """Law: a lost link may have left our own run there: we look again. What somebody else deployed is never undone."""
    node, heard = Node(faster=faster, breaks_at=1 if cut else 0), Heard()
    if cut and faster == OFFER.payload:
        assert brought(node, heard).verdict["word"] == "ready"
        assert [op for session in node.sessions for op, _ in session.sent if op == "deploy"] == ["deploy"] * 2
        assert heard.backs == 1
    else:
        with pytest.raises(Locked, match="has changed since you looked"):
            brought(node, heard)
        assert node.journals == {}
    assert len(node.sessions) == (3 if cut else 1)
    assert node.current is not None
    assert node.current["payload"] == faster


@pytest.mark.parametrize(("word", "code"), [("ready", 0), ("degraded", 9), ("not ready", 5), ("not ready", 6)])
def test_the_verdict_is_the_nodes_own(word: str, code: int) -> None:
    """Exit code, word and reason are what the node said last."""
    outcome = brought(Node(ends={"word": word, "reason": "gpu: 0 of 1", "exit": code}))
    assert (outcome.verdict["word"], outcome.verdict["exit"]) == (word, code)
    assert outcome.verdict["reason"] == "gpu: 0 of 1"


def test_ctrl_c_hangs_up_and_leaves_the_run_alone() -> None:
    """The run that goes on is known, and the connection is closed."""
    node = Node()
    running = deploy(node)

    def interrupt() -> None:
        if len(node.journals) and node.frames > 9:
            raise KeyboardInterrupt

    node.on_receive = interrupt
    with pytest.raises(KeyboardInterrupt):
        running.run()
    assert running.outcome.run == "run1"
    assert node.sessions[0].closed
    assert node.current is not None


def test_a_run_that_died_with_its_machine_is_started_again() -> None:
    """A power cut under a followed run leaves no verdict; the deploy is offered again, in the same session."""
    node, heard = Node(power_cut=True), Heard()
    node.breaks_at = 11
    outcome = brought(node, heard)
    assert node.broken in {"<- event", "<- beat", "<- lost"}
    assert (outcome.run, outcome.verdict["word"]) == ("run2", "ready")
    assert "that run ended without a verdict; starting again" in heard.notes


def test_a_run_that_dies_under_a_living_link_is_an_error() -> None:
    """Nobody promises what nobody saw."""
    with pytest.raises(StepFailed, match="without a verdict"):
        brought(Node(power_cut=True))


def test_a_node_that_was_never_reached_is_not_waited_for() -> None:
    """The first connection's error is the answer."""
    clock = Clock()

    def connect() -> RealSession:
        raise Unreachable("nobody answers at 10.77.0.11:22")

    with pytest.raises(Unreachable, match="nobody answers"):
        deploy(Node(), clock=clock, connect=connect).run()
    assert clock.slept == []


def test_another_machine_in_its_place_is_not_talked_to() -> None:
    """A wrong host key on the way back ends the deploy at once."""
    node, clock = Node(breaks_at=9), Clock()

    def connect() -> Any:
        if node.sessions:
            raise WrongHostKey("node-1 shows another host key")
        return node.connect()

    with pytest.raises(WrongHostKey):
        deploy(node, clock=clock, connect=connect).run()
    assert clock.slept == [0.0]


def test_a_frame_out_of_place_is_named() -> None:
    """Another edgectl at the other end is said, not waited for."""
    node = Node()

    def connect() -> Any:
        session = node.connect()
        session.receive()
        session.say("riddle")
        return session

    with pytest.raises(Refused, match="'riddle' where 'hello' was expected"):
        deploy(node, connect=connect).run()
