"""What is asked around the judgement: how much is read, what ssh-keygen is given, and what its end means."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran
from edgectl.node.rack.trust import lines
from edgectl.node.trust import accept as real
from edgectl.node.trust.kept import Heard, heard_of, note_heard
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Exit, Refused
from edgectl.wire.offer import MOST_BYTES, decode
from edgectl.wire.trust import Signer, Trust, kept_text, written

CASES = Path(__file__).parents[3] / "cases" / "signing"
KEYS = json.loads((CASES / "keys.json").read_text())
OFFER, SIGNATURE = (CASES / "offer.json").read_bytes(), (CASES / "ed25519.sig").read_bytes()
SERIAL = decode(OFFER).serial
NOW = SERIAL + 60.0
ANNA = Signer(KEYS["ed25519"]["key"], "anna@ops", ("store-*",))
TRUST = Trust(4, SERIAL - 1000, (ANNA,))


class Watched(Look):
    """A look that starts nothing: it notes what ssh-keygen would be given, and ends as it is told."""

    def __init__(self, places: Places, *, code: int | None = 0) -> None:
        super().__init__(places)
        self.code = code
        self.ran: list[tuple[str, ...]] = []
        self.allowed = ""
        self.signature = b""
        self.stdin = b""
        self.folder_mode = 0

    def run(self, *argv: str, limit_seconds: float = 1.0, stdin: bytes = b"") -> Ran:
        """Note it."""
        assert limit_seconds <= 60
        self.ran.append(argv)
        self.allowed = Path(argv[argv.index("-f") + 1]).read_text()
        self.signature = Path(argv[argv.index("-s") + 1]).read_bytes()
        self.folder_mode = Path(argv[argv.index("-f") + 1]).parent.stat().st_mode & 0o777
        self.stdin = stdin
        return Ran(argv, self.code, "", "ssh-keygen: No such file or directory", 0.0)


@pytest.fixture
def look(tmp_path: Path) -> Watched:
    """Return the look of a node that trusts anna."""
    found = Watched(Places(tmp_path))
    found.places.trust.mkdir(parents=True)
    (found.places.trust / "trust.json").write_text(kept_text(TRUST))
    return found


def refused(look: Watched, offer: bytes = OFFER, signature: bytes = SIGNATURE, *, now: float = NOW) -> Refused:
    """Return why an offer is not taken."""
    with pytest.raises(Refused) as caught:
        real.accepted(look.places, look, offer, signature, now=now)
    assert caught.value.exit == Exit.REFUSED
    assert caught.value.hint
    return caught.value


def test_what_ssh_keygen_is_given(look: Watched) -> None:
    """Law: exactly one key is allowed, for offers only; the very bytes are checked; nothing is left behind."""
    assert real.accepted(look.places, look, OFFER, SIGNATURE, now=NOW) == decode(OFFER)
    ((program, *argv),) = look.ran
    assert program == "ssh-keygen"
    assert argv[:2] == ["-Y", "verify"]
    assert argv[argv.index("-n") + 1] == "edgectl-offer"
    assert look.allowed == f'{argv[argv.index("-I") + 1]} namespaces="edgectl-offer" {ANNA.key}\n'
    assert (look.stdin, look.signature, look.folder_mode) == (OFFER, SIGNATURE, 0o700)
    assert list(look.places.run.iterdir()) == []
    assert argv[argv.index("-s") + 1].startswith(str(look.places.run))
    assert heard_of(look) is None, "judging changes nothing"


@pytest.mark.parametrize("code", [1, 2, 255, -11])
def test_only_exit_0_is_yes(look: Watched, code: int) -> None:
    """Law: however else ssh-keygen ends, the offer is refused by the name of the signer."""
    look.code = code
    error = refused(look)
    assert "anna@ops" in error.message
    assert "was changed" in error.message
    assert error.details


@pytest.mark.parametrize(("code", "said"), [(127, "No such file"), (None, "did not end")])
def test_what_cannot_be_checked_is_refused(look: Watched, code: int | None, said: str) -> None:
    """A node without ssh-keygen, or one that hangs, says so: it is no wrong signature."""
    look.code = code
    error = refused(look)
    assert said in error.message
    assert "openssh-client" in error.hint


def test_nothing_unsigned_is_parsed(look: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: an offer is looked into when its signature is good, not before."""
    monkeypatch.setattr(real, "decode", None)
    look.code = 1
    refused(look)
    look.code = 0
    with pytest.raises(TypeError):
        refused(look)


@pytest.mark.parametrize(
    ("offer", "signature", "said"),
    [
        (b" " * (MOST_BYTES + 1), SIGNATURE, "the offer is longer"),
        (OFFER, b" " * (MOST_BYTES + 1), "its signature is longer"),
        (OFFER, b"", "signature cannot be read"),
        (OFFER, SIGNATURE.replace(b"U1NI", b"AAAA"), "signature cannot be read"),
        (OFFER, (CASES / "git.sig").read_bytes(), "'git'"),
        (OFFER, (CASES / "rsa.sig").read_bytes(), "does not know the key"),
    ],
)
def test_refused_before_any_program(look: Watched, offer: bytes, signature: bytes, said: str) -> None:
    """Law: what is too long, malformed, or of nobody known starts no program."""
    assert said in refused(look, offer, signature).message
    assert look.ran == []


@pytest.mark.parametrize("offer", [b"", b"{", b"[" * 60000, b'{"format":2}', b'{"format":1,"format":1}', b"\xff"])
def test_signed_nonsense_is_refused(look: Watched, offer: bytes) -> None:
    """What is well signed and no offer is refused, and says that a newer edgectl may have made it."""
    error = refused(look, offer)
    assert "cannot be understood" in error.message
    assert len(error.message) < 300


def test_a_node_without_trust(look: Watched) -> None:
    """It says what to do: deploy once over SSH."""
    (look.places.trust / "trust.json").unlink()
    error = refused(look)
    assert "trusts nobody's signature yet" in error.message
    assert "over SSH" in error.hint


def _without_key() -> str:
    return kept_text(replace(TRUST, signers=(replace(ANNA, valid_after="soon"),)))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, kept_text(TRUST).replace("anna", "eve"), _without_key()])
def test_a_damaged_trust_lets_nobody_in(look: Watched, text: str) -> None:
    """Law: a trust that was edited, torn, or says nonsense is no trust."""
    (look.places.trust / "trust.json").write_text(text)
    assert "trust" in refused(look).message


def test_a_disk_that_cannot_be_read(look: Watched) -> None:
    """What cannot be looked at is refused, not a crash."""
    (look.places.trust / "trust.json").unlink()
    (look.places.trust / "trust.json").mkdir()
    assert "cannot be judged" in refused(look).message


def test_no_room_for_the_check(look: Watched) -> None:
    """A tmpfs that is no folder is refused, not a crash."""
    look.places.run.parent.mkdir(parents=True)
    look.places.run.write_text("")
    assert "cannot be checked" in refused(look).message


def accept_slot(look: Watched, *, store: str, created: str, current: bool) -> None:
    """Let the node have taken something over SSH."""
    slots = Slots(look.places)
    digest = "sha256:" + "c" * 64
    slot = slots.accept(Envelope(store, "node-1", digest, digest, "", 1, created, Sender("ada", "laptop")))
    if current:
        slots.promote(slot, word="ready")


@pytest.mark.parametrize("current", [True, False])
def test_the_node_knows_its_store(look: Watched, current: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The store is what runs, or the first deploy that is still on its way."""
    accept_slot(look, store="store-007", created=written(SERIAL - 500), current=current)
    assert "belongs to store-007" in refused(look).message


def test_what_runs_is_newer(look: Watched) -> None:
    """An offer that was signed before what runs was sent is old."""
    accept_slot(look, store="store-042", created=written(SERIAL + 1), current=True)
    assert "what runs here" in refused(look).message


def test_taken_once(look: Watched) -> None:
    """Law: the same offer again is no error and nothing new; an older one does not take its place."""
    offer = real.accepted(look.places, look, OFFER, SIGNATURE, now=NOW)
    assert heard_of(look) is None
    note_heard(look.places, offer, TRUST)
    assert real.accepted(look.places, look, OFFER, SIGNATURE, now=NOW + 10**9) == offer
    assert heard_of(look) == Heard.of(offer, TRUST)
    note_heard(look.places, replace(offer, serial=offer.serial - 1), TRUST)
    assert heard_of(look) == Heard.of(offer, TRUST)
    note_heard(look.places, replace(offer, serial=offer.serial - 1), replace(TRUST, version=5))
    assert heard_of(look) == Heard.of(replace(offer, serial=offer.serial - 1), replace(TRUST, version=5))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"serial": 1}'])
def test_a_damaged_note_counts_as_none(look: Watched, text: str) -> None:
    """The floor is then what runs and the trust; nobody is locked out by a torn note."""
    (look.places.trust / "heard.json").write_text(text)
    assert heard_of(look) is None
    real.accepted(look.places, look, OFFER, SIGNATURE, now=NOW)


def test_what_the_rack_reads() -> None:
    """Who may sign for this store, what is revoked, what was taken last, and this node's clock."""
    gone = Signer(KEYS["ecdsa"]["key"], "bert@ops", valid_before="2026-01-01T00:00:00Z")
    other = Signer(KEYS["rsa"]["key"], "carl@ops", ("bonn",))
    trust = replace(TRUST, signers=(ANNA, gone, other), revoked=("SHA256:" + "x" * 43,))
    said = lines("store-042", trust, Heard.of(decode(OFFER), trust), now=NOW)
    text = "\n".join(said)
    for part in (
        "store-042 trusts version 4",
        f"valid     anna@ops  {ANNA.fingerprint}  without an end",
        "ended     bert@ops",
        "1 more sign for other stores only",
        "revoked   SHA256:xxx",
        f"last taken: the offer of {written(SERIAL)} (payload a1a1a1a1a1a1, for store-042, under version 4)",
        f"this node's clock says {written(NOW)}",
    ):
        assert part in text, text
    assert "carl" not in text
    assert "no offer was taken yet" in lines("store-042", trust, None, now=NOW)
    assert "nobody may sign" in "\n".join(lines("bonn-2", replace(trust, signers=(other,)), None, now=NOW))


def test_whose_it_is(look: Watched) -> None:
    """The name of the signer is there for the journal."""
    assert real.signed_by(look, SIGNATURE) == ANNA


def test_all_is_asked(look: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded fault: without the call of ssh-keygen, a changed offer would be taken."""
    look.code = 1
    verify: Callable[..., Any] = lambda *_: None  # noqa: E731 - the fault
    monkeypatch.setattr(real, "_verify", verify)
    with pytest.raises(pytest.fail.Exception):
        refused(look)
