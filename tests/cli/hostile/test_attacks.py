"""The attacks of The Update Framework's specification (1.5.2), each by its name there, against `edgectl-node load`.

Each says what the attacker has. The law is always the same: refused with exit 11 (exit 4 where the line is to blame),
nothing that is live changes, and the next good stick converges. docs/signing.md has the table; it is held to this file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from edgectl.node.follow import DECIDED, heed, tell
from edgectl.node.k3s.joined import path_of
from edgectl.node.load import kept
from edgectl.node.load.web import Web
from edgectl.node.rack import load
from edgectl.node.trust.kept import heard_of, trust_of
from edgectl.node.trust.step import Trusted
from edgectl.wire.document import digest_of
from edgectl.wire.trust import moment
from edgectl.wire.verdict import Verdict
from tests import hostile
from tests.cli.hostile.endless import ENDLESS, Endless
from tests.cli.hostile.field import Field
from tests.hostile import DAY, V1, V2, V3, Keys, Mirror, Rack, SignedStick, answer, unharmed
from tests.stick import ENGINE, NOW, STORE, payload, placed, tar_of

DOC = Path(__file__).parents[3] / "docs/signing.md"
ATTACKS = (  # as the specification names them
    "Arbitrary installation",
    "Endless data",
    "Extraneous dependencies",
    "Fast-forward",
    "Indefinite freeze",
    "Malicious mirrors preventing updates",
    "Mix-and-match",
    "Rollback",
    "Slow retrieval",
    "Vulnerability to key compromises",
    "Wrong software installation",
)
SIG = f"/offers/{STORE}.json.sig"
Handler = BaseHTTPRequestHandler
Publish = Callable[[Path], Mirror]


@pytest.fixture
def stick_only(node: Rack, keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Field:
    """Return a field where sticks are carried."""
    return Field(node, keys, tmp_path, capsys)


@pytest.fixture(params=["stick", "mirror"])
def field(request: pytest.FixtureRequest, stick_only: Field, mirrors: Publish) -> Field:
    """Return a field of either way."""
    if request.param == "mirror":
        stick_only.publish = lambda root: mirrors(root).url
    return stick_only


def test_arbitrary_installation(field: Field) -> None:
    """Has the stick or the mirror, and a key of its own: every byte may be another one, none is installed."""
    for kind in ("engine", "payload", "blob"):  # in the order in which they are asked for
        stick = field.stick()
        stick.give(V2)
        names = {"blob": digest_of(b"v2"), "payload": V2.digest, "engine": digest_of(stick.engine)}
        path = stick.blob(names[kind])
        path.write_bytes(path.read_bytes()[::-1])
        field.refused(stick, "other bytes than its digest says")
    stick = field.stick()
    evil = stick.give(V3, who="mallory")
    field.refused(stick, "does not know the key")
    stick.give(V2)
    stick.offered.write_bytes(evil.encode())  # under the signature of a good one
    field.refused(stick, "was changed")
    field.converges()


def test_endless_data(stick_only: Field, mirrors: Publish) -> None:
    """Has a mirror: what never ends is read as far as it may be long and a megabyte further, wherever it is put."""
    field = stick_only
    stick = field.stick()
    stick.give(V2)
    stick.offered.unlink()
    with stick.offered.open("wb") as file:
        file.truncate(1 << 40)
    field.refused(stick, "longer than 65536 bytes")
    stick.give(V2)
    with stick.blob(V2.digest).open("wb") as file:
        file.truncate(1 << 40)
    field.refused(stick, r"has 1099511627776 bytes, not \d+")
    stick.give(V2)
    mirror = mirrors(stick.root)
    blob = "/" + str(stick.blob(V2.digest).relative_to(stick.root))
    for at, (_, lie, says) in [(at, lie) for lie in ENDLESS for at in (f"/offers/{STORE}.json", SIG, blob)]:
        sent = Endless(lie)
        mirror.lies = {at: sent.give}
        with unharmed(field.node):
            said = field.load(mirror.url)
        assert said.code in {4, 11}, (at, said)
        assert re.search(says, said.err), (at, said)
        assert sent.bytes < 16 << 20, "it was read on, until nothing more came"
    assert all(path.stat().st_size < len(V2.encode()) for path in field.node.places.staging.glob("*"))
    field.converges()


def test_extraneous_dependencies(field: Field) -> None:
    """Has the stick or the mirror: adds blobs, offers, an index. What no signed name leads to is not even copied."""
    stick = field.stick()
    stick.give(V2)
    more = [stick.put(os.urandom(1000)).digest for _ in range(3)]
    stick.give(payload("v9"), store="store-043")
    manifests = [{"digest": digest, "size": 1000, "mediaType": "x"} for digest in more]
    (stick.root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    had = {path.name for path in field.node.places.blobs.iterdir()}
    assert field.load(stick).code == 0
    new = {f"sha256:{path.name}" for path in field.node.places.blobs.iterdir() if path.name not in had}
    assert new == {V2.digest, *V2.blobs}
    assert field.node.serves == V2.digest
    stick = field.stick()
    stick.give(V3, serial=NOW + 9)
    named = replace(V3, blobs={**V3.blobs, more[0]: 1000})
    stick.blob(V3.digest).write_bytes(named.encode())  # the payload is made to name more
    field.refused(stick, r"has \d+ bytes, not \d+|other bytes")


def test_fast_forward(field: Field) -> None:
    """Has a stolen key that counts: dates an offer far ahead, so that no honest one is newer. A new trust ends that.

    No further than its key's end, though; and without a key not a second.
    """
    stick = field.stick()
    stick.give(V2)
    stick.offered.write_bytes(stick.offered.read_bytes().replace(str(NOW).encode(), b"4000000000", 1))
    field.refused(stick, "was changed")
    stick = field.stick()
    stick.give(V2, who="olga", serial=NOW + 40)
    field.refused(stick, "key of olga@ops .* counts .* until 2027-01-15T08:00:30Z")
    stick = field.stick()
    stick.give(V3, serial=moment("2099-01-01T00:00:00Z"))
    assert field.load(stick).code == 0  # the key counts: nobody can tell
    honest = field.stick()
    honest.give(V2, serial=NOW + DAY)
    field.node.now = NOW + DAY + 60
    field.refused(honest, "is old: this node has taken another one of 2099-01-01")
    # recovery: the key is revoked; the deploy that brings the news even fails, and the node still runs what was dated
    field.trusts(version=2, created=NOW + DAY - 100, revoked=("ada", "rita"))
    field.refused(honest, "the key of ada@ops that signed this offer is revoked")
    field.converges(V2, who="bea", serial=NOW + DAY)
    heard = heard_of(field.node)
    assert heard is not None
    assert (heard.trust, heard.serial) == (2, NOW + DAY)


def test_indefinite_freeze(stick_only: Field, mirrors: Publish) -> None:
    """Has the mirror (or all sticks): goes on giving the last offer, and no newer one. That ends when it expires.

    A pull says so even where this very offer was taken; a stick in a hand is no news, and changes nothing.
    """
    field = stick_only
    stick = field.stick()
    stick.give(V2)
    frozen = mirrors(stick.root).url
    field.node.now = NOW + DAY + 1
    field.refused(frozen, r"has expired at 2027-01-16T08:00:00Z; this node's clock says 2027-01-16T08:00:01Z")
    field.refused(stick, "has expired")
    field.node.now = NOW + 60
    assert field.load(frozen).code == 0
    assert field.load(frozen).code == 0  # nothing new yet
    field.node.now = NOW + DAY + 1
    field.refused(frozen, "has nothing newer than what was taken here, which has expired at 2027-01-16")
    assert (field.load(stick).code, field.node.serves) == (0, V2.digest)
    field.converges(V3, serial=NOW + DAY)


def test_malicious_mirrors_preventing_updates(stick_only: Field, mirrors: Publish) -> None:
    """Has one mirror of several: whatever it gives or withholds, another one (or a stick) brings the update.

    Nothing that it left behind is in the way: no serial that was heard, no half of a blob with bytes of its own.
    """
    field = stick_only
    stick = field.stick()
    big = replace(V2, blobs={**V2.blobs, digest_of(b"y" * 300_000): 300_000})
    stick.put(b"y" * 300_000)
    stick.give(big)
    mirror, other = mirrors(stick.root), mirrors(stick.root)
    name = "/" + str(stick.blob(digest_of(b"y" * 300_000)).relative_to(stick.root))

    def half(handler: Handler) -> None:
        answer(handler, b"z" * 200_000, Content_Length="300000")

    lies: tuple[tuple[dict[str, Callable[[Handler], object]], int], ...] = (
        ({"*": lambda handler: handler.send_error(404)}, 11),
        ({"*": lambda handler: handler.send_error(503)}, 4),
        ({SIG: lambda handler: handler.send_error(404)}, 11),
        ({SIG: lambda handler: answer(handler, b"<html>")}, 11),
        ({name: lambda handler: handler.send_error(404)}, 11),
        ({name: lambda handler: answer(handler, b"z" * 300_000)}, 11),
        ({name: half}, 4),
    )
    for lie, code in lies:
        mirror.lies = lie
        field.refused(mirror.url, "", code)
        assert heard_of(field.node) is None
    part = field.node.places.staging / f"{digest_of(b'y' * 300_000)[7:]}.part"
    assert part.read_bytes() == b"z" * 200_000
    assert (field.load(other.url).code, field.node.serves) == (0, big.digest)
    assert field.node.places.blob(digest_of(b"y" * 300_000)).read_bytes() == b"y" * 300_000


def test_mix_and_match(field: Field) -> None:
    """Has several offers that were all good once, on one node: parts of one with parts of another are no set."""
    one, other = field.stick(), field.stick()
    one.give(V2)
    other.engine = tar_of({**ENGINE, "more.py": b"1\n"})
    other.give(V3, serial=NOW + 5)
    for mine, theirs, says in (
        (one.signature, other.signature, "was changed"),
        (one.offered, other.offered, "was changed"),
        (one.blob(digest_of(one.engine)), other.blob(digest_of(other.engine)), r"other bytes|has \d+ bytes, not"),
        (one.blob(V2.digest), other.blob(V3.digest), "other bytes"),
        (one.blob(digest_of(b"v2")), other.blob(digest_of(b"v3")), "other bytes"),
    ):
        data = mine.read_bytes()
        mine.write_bytes(theirs.read_bytes())
        field.refused(one, says)
        mine.write_bytes(data)
    assert (field.load(one).code, field.node.serves) == (0, V2.digest)


def test_mix_and_match_across_nodes(
    stick_only: Field, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Has several good sticks for one store: its lead is given one and its agent another. The agent takes neither.

    The set is the payload and the engine that its lead has decided for; what else it was given stays kept and unused.
    """
    both = {title: payload(title, nodes=2) for title in ("v1", "v2", "v3")}
    lead, agent = Rack(tmp_path / "lead"), Rack(tmp_path / "agent")
    trust = hostile.trust_of(keys)
    lead.runs(both["v1"], trust=trust)
    agent.runs(both["v1"], trust=trust, name="node-2", lead="run1")

    def give(node: Rack, stick: SignedStick) -> int:
        placed(node, monkeypatch)
        return node.command(stick.root, capsys).code

    def follows() -> str:
        lead.kube.objects[path_of("node-2")] = {"metadata": {}}
        tell(lead.places, lead.slots, lead, Verdict("ready", 0, ""))
        agent.kube.objects[path_of("node-2")] = lead.kube.objects[path_of("node-2")]
        assert DECIDED in json.dumps(agent.kube.objects)
        slot = heed(agent.places, agent.slots, agent)
        assert slot is not None
        return slot.envelope.payload

    older, newer, rebuilt = stick_only.stick(), stick_only.stick(), stick_only.stick()
    older.give(both["v2"])
    newer.give(both["v3"], serial=NOW + 5)
    rebuilt.engine = tar_of({**ENGINE, "more.py": b"1\n"})
    rebuilt.give(both["v3"], serial=NOW + 6)
    assert (give(agent, older), give(lead, newer)) == (10, 0)
    assert follows() == both["v1"].digest, "it runs the older offer under a lead that runs the newer one"
    assert give(agent, rebuilt) == 10
    assert follows() == both["v1"].digest, "it runs the lead's payload with another engine"
    assert give(agent, newer) == 11  # older than what it was given since
    assert give(lead, rebuilt) == 0
    assert follows() == both["v3"].digest
    candidate = agent.slots.candidate
    assert candidate is not None
    assert (candidate.envelope.runtime, kept.kept(agent.places)) == (digest_of(rebuilt.engine), None)


def test_rollback(field: Field) -> None:
    """Has old offers, well signed and not expired: none is taken after a newer one, nor after a newer deploy.

    Nor when the newer one was turned down, nor under the name that a cut-off export leaves.
    """
    old, new = field.stick(), field.stick()
    old.give(V2, expires=NOW + 90 * DAY)
    new.give(V3, serial=NOW + 5)
    assert field.load(new).code == 0
    field.refused(old, "is old: this node has taken another one of 2027-01-15T08:00:05Z")
    mixed = field.stick()
    mixed.give(V3, serial=NOW + 5)
    mixed.offered.write_bytes(old.offered.read_bytes())
    mixed.signature.with_suffix(".sig.new").write_bytes(old.signature.read_bytes())
    field.refused(mixed, "is old")
    current = field.node.slots.current
    assert current is not None
    slots = field.node.slots
    deployed = replace(current.envelope, payload=V1.digest, sequence=slots.sequence + 1, created="2027-01-16T08:00:00Z")
    slots.promote(slots.accept(deployed))
    (field.node.places.trust / "heard.json").unlink()
    field.refused(new, "is old: what runs here was sent at 2027-01-16T08:00:00Z")
    field.node.now = NOW + 2 * DAY
    newest = field.stick()
    newest.give(V2, serial=NOW + 2 * DAY)
    assert field.load(newest).code == 0
    current = field.node.slots.current
    assert current is not None
    field.node.slots.reject(current, reason="bad", time="t", run="r")
    again = field.stick()
    again.give(V3, serial=NOW + DAY + 5)
    field.refused(again, "is old")


def test_slow_retrieval(stick_only: Field, mirrors: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a mirror: a byte now and then, in content or headers, is given up after a minute. The next one converges."""
    field = stick_only
    stick = field.stick()
    stick.give(V2)
    mirror = mirrors(stick.root)
    blob = "/" + str(stick.blob(V2.digest).relative_to(stick.root))
    clock = iter(range(0, 1 << 40, 31))  # each look at it, another half minute has gone
    stop = threading.Event()

    def trickle(handler: Handler) -> None:
        for letter in b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50:
            handler.wfile.write(bytes([letter]))
            if stop.wait(0.001):
                return

    monkeypatch.setattr(load, "source_of", lambda text: Web(text, monotonic=lambda: float(next(clock))))
    for at in (SIG, blob):
        mirror.lies = {at: trickle}
        field.refused(mirror.url, r"only \d+ bytes came in \d+ s; given up", 4)
    stop.set()
    monkeypatch.undo()
    placed(field.node, monkeypatch)
    field.converges()


def test_vulnerability_to_key_compromises(field: Field, keys: Keys) -> None:
    """Has a stolen key. It signs for its own stores and within its own time only, and nothing once it is revoked.

    Not what it signed before, nor after an older trust was brought again; a node that has not heard of it takes it.
    """
    stick = field.stick()
    for who, says in (
        ("otto", "otto@ops may not sign for store-042"),
        ("olga", "has ended"),
        ("nora", "counts from"),
        ("rita", "is revoked"),
    ):
        stick.give(V2, who=who)
        field.refused(stick, says)
    stick.give(V2, who="ada")
    shutil.copytree(stick.root, stick.root.with_name("before"))
    field.trusts(version=2, created=NOW - 500, revoked=("ada",))
    field.refused(stick, "the key of ada@ops that signed this offer is revoked .*trust version 2")
    older = Trusted(hostile.trust_of(keys, version=1, revoked=()))
    older.apply(field.node, older.probe(field.node))
    kept_now = trust_of(field.node)
    assert kept_now is not None
    assert kept_now.version == 2
    field.refused(SignedStick(stick.root.with_name("before"), stick.engine, keys), "is revoked")
    field.converges(V2, who="bea")


def test_wrong_software_installation(field: Field) -> None:
    """Has good offers of other stores, all signed by a key that may: none is for this one, nor are its parts."""
    stick = field.stick()
    stick.give(V2, store="store-043")
    for end in ("", ".sig"):
        shutil.copy(stick.root / f"offers/store-043.json{end}", stick.root / f"offers/{STORE}.json{end}")
    field.refused(stick, "this node belongs to store-042, and the offer is for store-043")
    stick.give(replace(V2, store="store-043"), store=STORE)
    field.refused(stick, "the payload is for store-043")
    stick.give(replace(V2, nodes=(replace(V2.nodes[0], name="node-7"),)))
    field.refused(stick, "the payload has no node node-1")
    stick.engine = V2.encode()
    stick.give(V2)
    field.refused(stick, "no archive that may be unpacked")
    field.converges()


def _rows() -> Iterator[tuple[str, list[str]]]:
    _, _, text = DOC.read_text(encoding="utf-8").partition("| attack |")
    for line in text.partition("\n\n")[0].splitlines()[2:]:
        _, attack, stops, tests, _ = (cell.strip() for cell in line.split("|"))
        assert len(stops) > 20, line
        yield attack, re.findall(r"`(test_\w+)`", tests)


def test_the_table_of_the_docs_and_these_tests_say_the_same() -> None:
    """Every attack stands there once, each with its tests by name, and every test of an attack is there."""
    rows = dict(_rows())
    assert tuple(rows) == ATTACKS
    named = [name for names in rows.values() for name in names]
    here = [name for name in globals() if name.startswith("test_") and "table" not in name]
    assert named == here
    for attack, names in rows.items():
        assert names[0] == "test_" + re.sub(r"\W", "_", attack.lower())
        assert all("Has " in str(globals()[name].__doc__) for name in names)
