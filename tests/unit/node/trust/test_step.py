"""The trust that a node keeps: the newest ever given, whole, whatever the payload of the day brings."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.trust import step as real
from edgectl.node.trust.kept import Damaged, trust_of
from edgectl.wire.trust import Signer, Trust, kept_text
from tests.laws.fake_store import mutant

KEYS = json.loads((Path(__file__).parents[3] / "cases" / "signing" / "keys.json").read_text())
ANNA, BERT = (Signer(KEYS[kind]["key"], kind) for kind in ("ed25519", "ecdsa"))
V1 = Trust(1, 1000, (ANNA, BERT))
V2 = Trust(2, 2000, (ANNA, BERT), (BERT.fingerprint,))
V2_OTHER = replace(V2, revoked=())
V3 = Trust(3, 3000, (ANNA,))


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    """Return the hands of a bare node."""
    return Hands(Places(tmp_path))


def file(hands: Hands) -> Path:
    """Return where the trust lies."""
    return hands.places.trust / "trust.json"


def converge(module: Any, hands: Hands, trust: Trust) -> Status:
    """Look, apply where it is needed, look again, as a run does."""
    step = module.Trusted(trust)
    seen = step.probe(hands)
    if seen.status is not Status.DRIFTED:
        return Status(seen.status)
    step.apply(hands, seen)
    return Status(step.probe(hands).status)


def newest_stays(module: Any, hands: Hands) -> None:
    """Give three versions in every order, each many times: what is kept is the newest so far."""
    for order in itertools.product((V1, V2, V3), repeat=4):
        file(hands).unlink(missing_ok=True)
        newest = 0
        for trust in order:
            assert converge(module, hands, trust) is Status.CURRENT
            newest = max(newest, trust.version)
            kept = trust_of(hands)
            assert kept is not None
            assert kept.version == newest, [one.version for one in order]
            had = file(hands).stat().st_mtime_ns, file(hands).stat().st_ino
            assert converge(module, hands, trust) is Status.CURRENT
            assert (file(hands).stat().st_mtime_ns, file(hands).stat().st_ino) == had, "a second run writes nothing"


def test_the_newest_stays(hands: Hands) -> None:
    """Law: a node never goes back to an older trust, so that a revoked key never comes back by a rollback."""
    newest_stays(real, hands)


def forks_are_told(module: Any, hands: Hands) -> None:
    """Give two documents of one number, in both orders."""
    for one, other in ((V2, V2_OTHER), (V2_OTHER, V2)):
        file(hands).unlink(missing_ok=True)
        assert converge(module, hands, one) is Status.CURRENT
        seen = module.Trusted(other).probe(hands)
        assert seen.status is Status.FAILED
        assert "number 2" in seen.reason
        assert "higher number" in seen.reason
        assert trust_of(hands) == one
        assert converge(module, hands, V3) is Status.CURRENT


def test_two_of_one_number(hands: Hands) -> None:
    """Law: of two documents under one number none is taken silently: the one of a branch may lack a revocation."""
    forks_are_told(real, hands)


DAMAGES: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "torn": lambda text: text[: len(text) // 2],
    "no JSON": lambda _: "{",
    "a list": lambda _: "[]",
    "null": lambda _: "null",
    "deep": lambda _: "[" * 100_000,
    "another name in it": lambda text: text.replace("ed25519", "eve", 1),
    "a later end": lambda text: text.replace('"valid_before":""', '"valid_before":"2099-01-01T00:00:00Z"', 1),
    "a higher number": lambda text: text.replace('"version":2', '"version":9'),
    "nothing revoked": lambda text: text.replace(BERT.fingerprint, ""),
    "one more key in it": lambda text: text.replace('{"digest"', '{"x":1,"digest"'),
    "no digest": lambda text: json.dumps({"trust": json.loads(text)["trust"]}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_hand_edits_and_torn_files_are_repaired(hands: Hands, damage: str) -> None:
    """Law: what edgectl did not write there counts for nothing, and the next run writes the payload's."""
    file(hands).parent.mkdir(parents=True)
    file(hands).write_text(DAMAGES[damage](kept_text(V2)))
    with pytest.raises(Damaged):
        trust_of(hands)
    seen = real.Trusted(V2).probe(hands)
    assert seen.status is Status.DRIFTED
    assert str(file(hands)) in seen.reason
    real.Trusted(V2).apply(hands, seen)
    assert trust_of(hands) == V2


def test_others_may_not_write_it(hands: Hands) -> None:
    """A mode that lets others write it is put right, and the newest stays."""
    converge(real, hands, V3)
    file(hands).chmod(0o666)
    assert real.Trusted(V1).probe(hands).status is Status.DRIFTED
    assert converge(real, hands, V1) is Status.CURRENT
    assert trust_of(hands) == V3


def test_a_newer_one_is_said(hands: Hands) -> None:
    """After a rollback it says that a newer one is kept."""
    converge(real, hands, V3)
    assert "version 3 is kept, newer than the declared 1" in real.Trusted(V1).probe(hands).reason


def test_a_full_disk_fails_the_step(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written is a failure with its reason; what was there stays."""
    converge(real, hands, V1)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgectl.node.io.files.write_atomic", full)
    step = real.Trusted(V2)
    with pytest.raises(ApplyFailed, match="No space left"):
        step.apply(hands, step.probe(hands))
    assert trust_of(hands) == V1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if kept.version < want:", "if kept.version != want:"),
        ("if kept.version < want:", "if False:"),
        ("if kept is None or kept.version < self.trust.version else kept", "if True else kept"),
        ("if kept.version == want and kept != self.trust:", "if False:"),
    ],
)
def test_the_laws_bite(hands: Hands, old: str, new: str) -> None:
    """Seeded faults: a node that goes back, does not go on, or takes one of two is seen."""
    faulty = mutant(real, (old, new))
    with pytest.raises(AssertionError):
        _all(faulty, hands)


def _all(module: Any, hands: Hands) -> None:
    newest_stays(module, hands)
    forks_are_told(module, hands)
    file(hands).unlink()
    converge(module, hands, V3)
    file(hands).chmod(0o666)
    converge(module, hands, V1)
    assert trust_of(hands) == V3
