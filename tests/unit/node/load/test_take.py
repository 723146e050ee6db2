"""An offer from a stick: taken whole after all of it is verified, or refused with nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.node import accept, cancel, pause
from edgectl.node.converge.lock import Lock
from edgectl.node.request import DEPLOY
from edgectl.wire.document import digest_of, to_json
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import EdgectlError, Exit, Locked, NotReady, Refused
from edgectl.wire.host import Machine, Os
from edgectl.wire.offer import decode
from edgectl.wire.payload import Host, Model, Models, StoreSecret
from edgectl.wire.sshsig import fingerprint
from tests.stick import NOW, STORE, RackNode, Stick, at_rack, key, line, payload, signed, tar_of


def test_it_becomes_the_candidate_as_after_a_deploy(stick: Stick, rack: RackNode) -> None:
    """Same payload digest, the next sequence, on what runs; the sender is who has signed, and the proof stays."""
    offer = stick.offer(payload("v2"), commit="abc1234", summary="new")
    run, sequence, loaded = rack.load(stick.root)
    assert (bool(run), sequence, loaded) == (True, 2, payload("v2").digest)
    candidate = rack.slots.candidate
    assert candidate is not None
    envelope = candidate.envelope
    assert (envelope.payload, envelope.runtime) == (offer.payload.digest, offer.runtime.digest)
    assert (envelope.base, envelope.node, envelope.without) == (payload("v1").digest, "node-1", ())
    assert (envelope.sender.user, envelope.sender.host) == ("ada@ops", "stick")
    assert envelope.sender.key.startswith("SHA256:")
    assert (envelope.created, envelope.commit) == ("2027-01-15T08:00:00+00:00", "abc1234")
    kept = (candidate.folder / "offer.json").read_bytes()
    assert decode(kept) == offer
    assert (candidate.folder / "offer.json.sig").read_bytes() == signed(kept, key())
    assert rack.places.blob(digest_of(b"v2")).read_bytes() == b"v2"
    assert (rack.places.runtime(offer.runtime.digest) / "__main__.py").read_bytes() == b"print('the engine')\n"
    assert rack.became == [offer.runtime.digest]  # it is the offer's engine that reads its payload
    assert list(rack.places.staging.iterdir()) == []
    assert not rack.places.blob(offer.runtime.digest).exists()


def test_the_same_stick_again_changes_nothing(stick: Stick, rack: RackNode) -> None:
    """Nothing is copied, no new sequence; the engine looks again. Long after, too: it was judged when it came."""
    stick.offer(payload("v2"))
    rack.load(stick.root)
    candidate = rack.slots.candidate
    assert candidate is not None
    rack.slots.promote(candidate)
    (stick.root / "blobs").rename(stick.root / "gone")
    before = rack.tree()
    again = rack.load(stick.root, now=NOW + 400 * 86400)
    assert again[1] == 2
    assert rack.slots.candidate is None
    rest = {name: seen for name, seen in rack.tree().items() if "journal" not in name}
    assert rest == {name: seen for name, seen in before.items() if "journal" not in name}


def test_what_was_turned_down_is_tried_again_when_loaded_again(stick: Stick, rack: RackNode) -> None:
    """As when a person presses again: under the next sequence."""
    stick.offer(payload("v2"))
    rack.load(stick.root)
    candidate = rack.slots.candidate
    assert candidate is not None
    rack.slots.reject(candidate, reason="bad", time="t", run="r")
    assert rack.load(stick.root)[1] == 3
    assert rack.slots.candidate is not None


@pytest.mark.parametrize("again", [False, True])
def test_a_cancel_that_comes_once_it_is_accepted_is_kept(
    stick: Stick, rack: RackNode, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    """Law: a deploy forgets the cancels of before it, and none that means itself."""
    stick.offer(payload("v2"))
    if again:
        rack.load(stick.root)
        cancel.begin(rack.places, sequence=2, who="grace@desk")
    heard = list[str]()

    def taken(_: object) -> None:
        heard.append(cancel.read(rack.places, 2))
        cancel.begin(rack.places, sequence=2, who="eve@desk")

    monkeypatch.setattr("edgectl.node.load.take._Loaded.taken", taken)
    rack.load(stick.root)
    assert (heard, cancel.read(rack.places, 2)) == ([""], "cancelled by eve@desk")


def _swap(stick: Stick, rack: RackNode, digest: str, data: bytes) -> None:
    del rack
    stick.blob(digest).write_bytes(data)


def _unknown(stick: Stick, rack: RackNode) -> None:
    del rack
    stick.offer(payload("v2"), by=key(2))


def _edited(stick: Stick, rack: RackNode) -> None:
    del rack
    path = stick.root / f"offers/{STORE}.json"
    path.write_bytes(path.read_bytes().replace(b'"commit":""', b'"commit":"f"'))


def _old(stick: Stick, rack: RackNode) -> None:
    other = Stick(stick.root.with_name("newer"))
    other.offer(payload("v3"), serial=NOW + 10)
    rack.load(other.root)


BREAKS: dict[str, tuple[Callable[[Stick, RackNode], object], str]] = {
    "no offer": (lambda stick, _: (stick.root / f"offers/{STORE}.json").unlink(), "has nothing for store-042"),
    "no signature": (lambda stick, _: (stick.root / f"offers/{STORE}.json.sig").unlink(), "nobody has signed"),
    "unknown key": (_unknown, "does not know the key"),
    "edited offer": (_edited, "was changed"),
    "another store's": (lambda stick, _: _other_store(stick), "belongs to store-042, and the offer is for store-043"),
    "older than what was heard": (_old, "is old"),
    "engine of other bytes": (lambda s, r: _swap(s, r, digest_of(s.engine), s.engine[:-1] + b"x"), "other bytes"),
    "engine that is short": (lambda s, r: _swap(s, r, digest_of(s.engine), s.engine[:-1]), "bytes, not"),
    "payload of other bytes": (lambda s, r: _swap(s, r, *_damaged(payload("v2").encode())), "other bytes"),
    "blob of other bytes": (lambda s, r: _swap(s, r, *_damaged(b"v2")), "other bytes"),
    "blob that is long": (lambda s, r: _swap(s, r, digest_of(b"v2"), b"v2 and more"), "has 11 bytes, not 2"),
    "blob that is missing": (lambda s, _: s.blob(digest_of(b"v2")).unlink(), "does not hold all"),
    "an offer without end": (lambda s, _: _long(s), "longer than 65536 bytes"),
}


def _damaged(data: bytes) -> tuple[str, bytes]:
    return digest_of(data), data[:-1] + bytes([data[-1] ^ 1])


def _other_store(stick: Stick) -> None:
    stick.offer(replace(payload("v2"), store="store-043"))
    for end in ("", ".sig"):
        (stick.root / f"offers/store-043.json{end}").replace(stick.root / f"offers/{STORE}.json{end}")


def _long(stick: Stick) -> None:
    (stick.root / f"offers/{STORE}.json").write_bytes(b" " * (64 * 1024 + 1))


@pytest.mark.parametrize("name", BREAKS)
def test_a_refused_load_changes_nothing(name: str, stick: Stick, rack: RackNode) -> None:
    """Exit 11, the cause named, what to do; slots, trust, units and images as they were, the engine never became.

    Only staging and blobs may have grown, and the folder of an engine that is signed for and whole.
    """
    stick.offer(payload("v2"))
    breaks, sentence = BREAKS[name]
    breaks(stick, rack)
    before = rack.tree()
    with pytest.raises(Refused, match=sentence) as caught:
        rack.load(stick.root)
    assert caught.value.hint
    engine = f"var/lib/edgectl/runtimes/{digest_of(stick.engine)[7:]}"
    grown = {name for name in rack.tree().items() ^ before.items() if not name[0].startswith(engine)}
    assert grown == set()
    assert not any(path.name.endswith(".part") and path.stat().st_size > 1 << 20 for path in _staged(rack))


def _staged(rack: RackNode) -> list[Path]:
    return list(rack.places.staging.iterdir()) if rack.places.staging.is_dir() else []


def test_a_damaged_stick_is_gone_on_with_when_it_is_mended(stick: Stick, rack: RackNode) -> None:
    """What was copied is kept, what was wrong is thrown away, and half of a blob of other bytes is begun anew."""
    stick.offer(payload("v2"))
    _swap(stick, rack, *_damaged(b"v2"))
    with pytest.raises(Refused):
        rack.load(stick.root)
    assert rack.places.blob(payload("v2").digest).exists()
    (rack.places.staging / f"{digest_of(b'v2')[7:]}.part").write_bytes(b"x")
    stick.put(b"v2")
    assert rack.load(stick.root)[1] == 2
    assert rack.places.blob(digest_of(b"v2")).read_bytes() == b"v2"


def test_an_export_cut_off_between_two_names_is_taken(stick: Stick, rack: RackNode) -> None:
    """The new offer stands beside the old signature; its own lies there under its next name."""
    stick.offer(payload("v1"), serial=NOW - 500)
    signature = stick.root / f"offers/{STORE}.json.sig"
    old = signature.read_bytes()
    stick.offer(payload("v2"))
    signature.rename(f"{signature}.new")
    signature.write_bytes(old)
    assert rack.load(stick.root)[1] == 2


def test_a_paused_store_and_a_running_deploy_come_first(stick: Stick, rack: RackNode) -> None:
    """Exit 7, who and since when, before anything is copied."""
    stick.offer(payload("v2"))
    before = rack.tree()
    pause.begin(rack.places, who="bob", why="cabling", seconds=600)
    with pytest.raises(Locked, match="paused by bob") as paused:
        rack.load(stick.root)
    pause.end(rack.places)
    note = {
        "run": "r",
        "kind": DEPLOY,
        "sender": to_json(Sender("eve", "desk")),
        "since": "noon",
        "payload": "sha256:x",
    }
    lock = Lock(rack.places.run, note)
    assert lock.acquire()
    with lock, pytest.raises(Locked, match="eve@desk deploys store-042") as running:
        rack.load(stick.root)
    assert (paused.value.exit, running.value.exit) == (Exit.LOCKED, Exit.LOCKED)
    assert (rack.tree(), _staged(rack)) == (before, [])


def test_a_bare_node_says_that_its_first_deploy_comes_over_ssh(
    stick: Stick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It belongs to no store and trusts nobody."""
    stick.offer(payload("v2"))
    with pytest.raises(NotReady, match="nothing has been deployed to this node yet") as caught:
        at_rack(tmp_path / "bare", monkeypatch).load(stick.root)
    assert "SSH" in caught.value.hint


def test_a_node_that_trusts_nobody_says_how_it_would(
    stick: Stick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deployed before there were keys."""
    node = at_rack(tmp_path / "old", monkeypatch)
    node.runs(payload("v1"), trust=None)
    stick.offer(payload("v2"))
    with pytest.raises(Refused, match="trusts nobody's signature yet"):
        node.load(stick.root)


def test_a_second_load_of_the_same_lets_the_first_one_be(stick: Stick, rack: RackNode) -> None:
    """A timer and a person at once: exit 7, and nobody is ended, as a session over a dead line would be."""
    offer = stick.offer(payload("v2"))
    sender = Sender("ada@ops", "stick", fingerprint(key()))
    note = {"sender": to_json(sender), "payload": offer.payload.digest, "pid": 4242, "since": "09:00"}
    with Lock(rack.places.run / "sending", note) as lock:
        assert lock.acquire()
        with pytest.raises(Locked, match="is being loaded here already, since 09:00"):
            rack.load(stick.root)
    rack.load(stick.root)


def test_units_stay_as_they_were_until_an_offer_is_taken(
    stick: Stick, rack: RackNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of another edgectl come with what they run, not with what was refused."""
    installed: list[bool] = []
    monkeypatch.setattr(accept, "install", lambda _: installed.append(True))
    wrong = replace(payload("v2").nodes[0], role="agent")
    stick.offer(replace(payload("v2"), nodes=(wrong,)))
    with pytest.raises(Refused, match="its store's server"):
        rack.load(stick.root)
    assert installed == []
    stick.offer(payload("v2"), serial=NOW + 1)
    rack.load(stick.root)
    assert installed == [True]


def test_models_that_the_budget_cannot_hold_are_refused_before_they_are_copied(stick: Stick, rack: RackNode) -> None:
    """A stick costs minutes, a slow mirror days."""
    part = stick.put(b"weights" * 100)
    models = Models((Model("detector", "1.4", {"model.onnx": part.digest}),), budget_bytes=10)
    made = payload("v2")
    stick.offer(replace(made, models=models, blobs={**made.blobs, part.digest: part.size}))
    with pytest.raises(Refused, match="model budget"):
        rack.load(stick.root)
    assert not rack.places.blob(part.digest).exists()


def test_values_of_secrets_that_are_not_here_are_named_beforehand(stick: Stick, rack: RackNode) -> None:
    """No stick carries them; those that this node keeps are not missed."""
    secret = StoreSecret("app", ("vision",), {"PASSWORD": "1", "USER": "1"})
    stick.offer(replace(payload("v2"), secrets=(secret,)))
    rack.places.secret_values.parent.mkdir(parents=True)
    rack.places.secret_values.write_text(json.dumps({"app": {"USER": "u"}}))
    rack.load(stick.root)
    assert [note for note in rack.notes if "app PASSWORD" in note and "app USER" not in note]


@pytest.mark.parametrize(
    "made",
    [
        replace(payload("v2"), nodes=(replace(payload("v2").nodes[0], name="node-9"),)),
        replace(payload("v2"), blobs={"sha256:../../etc/passwd": 1}),
        replace(payload("v2"), blobs={digest_of(b"v2"): -1}),
        replace(payload("v2"), store="store-9"),
    ],
    ids=["not this node", "a blob that leads out", "a size below nothing", "another store's"],
)
def test_a_payload_that_does_not_fit_is_refused(made: object, stick: Stick, rack: RackNode) -> None:
    """Signed or not: what it names must be for this node, and content."""
    from edgectl.wire.payload import Payload

    assert isinstance(made, Payload)
    offered = stick.offer(made, store=STORE)
    before = rack.tree()
    with pytest.raises(Refused) as caught:
        rack.load(stick.root)
    assert caught.value.exit == Exit.REFUSED
    engine = f"var/lib/edgectl/runtimes/{offered.runtime.digest[7:]}"
    assert {name for name in rack.tree().items() ^ before.items() if not name[0].startswith(engine)} == set()


def test_an_engine_that_may_not_be_unpacked_is_not(stick: Stick, rack: RackNode) -> None:
    """Nothing of it is left, and nothing was become."""
    stick.engine = tar_of({"__main__.py": b"", "../evil": b"x"})
    stick.offer(payload("v2"))
    before = rack.tree()
    with pytest.raises(Refused, match="a name leads elsewhere"):
        rack.load(stick.root)
    assert (rack.tree(), rack.became) == (before, [])


def test_an_offer_that_changes_on_the_way_is_not_chased(stick: Stick, rack: RackNode) -> None:
    """The engine of one offer was begun, and finds another one."""
    from edgectl.node.load.folder import Folder
    from edgectl.node.load.take import take

    stick.offer(payload("v2"))
    with pytest.raises(Refused, match="has changed while it was read"):
        take(
            rack.places,
            Folder(stick.root),
            look=rack,
            note=rack.notes.append,
            now=lambda: NOW + 60,
            engine_asked=digest_of(b"another"),
        )


def test_the_clock_is_asked_once_and_named(stick: Stick, rack: RackNode) -> None:
    """Expired when it comes: refused, with this node's clock in the sentence; signed by a key that has ended: too."""
    stick.offer(payload("v2"))
    with pytest.raises(EdgectlError, match="this node's clock says 2027-01-17"):
        rack.load(stick.root, now=NOW + 2 * 86400)
    assert line(key()).startswith("ssh-ed25519 AAAA")


def test_a_stick_in_the_wrong_box_is_refused_before_its_content(stick: Stick, rack: RackNode) -> None:
    """Only the payload has been copied then: it says which machine is meant. What runs goes on."""
    made = payload("v2")
    meant = Host(1, os=Os(machine=Machine("J5X2")))
    stick.offer(replace(made, nodes=(replace(made.nodes[0], host=meant),)))
    serial = rack.places.root / "sys/class/dmi/id/product_serial"
    serial.parent.mkdir(parents=True)
    serial.write_text("J5X9\n")
    before = rack.tree()
    with pytest.raises(Refused, match="this machine is J5X9, the inventory means J5X2; nothing was changed"):
        rack.load(stick.root)
    assert not rack.places.blob(digest_of(b"v2")).exists()
    serial.write_text("J5X2\n")
    assert [name for name in before if name not in rack.tree()] == []
    assert rack.load(stick.root)[1] == 2
