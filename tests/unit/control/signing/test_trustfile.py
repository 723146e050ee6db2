"""The file of trust: each thing that is wrong has its line, what is written is read as it was meant."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from edgectl.control.signing import ages, edits
from edgectl.control.signing.keyfile import free_name, public
from edgectl.control.signing.trustfile import TrustFile, parsed, read, text_of, write, write_new
from edgectl.wire.errors import InvalidInput, UsageError
from edgectl.wire.trust import LATEST, Signer, Trust, moment, written
from tests.laws.fake_store import mutant

KEYS = json.loads((Path(__file__).parents[3] / "cases" / "signing" / "keys.json").read_text())
ANNA, BERT, CARL = (KEYS[kind]["key"] for kind in ("ed25519", "ecdsa", "rsa"))
MADE = moment("2026-11-01T00:00:00Z")
DAY = 86400
NOW = MADE + 20 * DAY
TRUST = Trust(
    3,
    MADE,
    (Signer(ANNA, "anna@ops"), Signer(BERT, "bert: ops", ("store-1*", "bonn"), written(MADE), written(MADE + DAY))),
    (KEYS["rsa"]["fingerprint"],),
)
PLACE = Path("stores/trust.yaml")
TEXT = text_of(TRUST)


def test_what_is_written_is_read() -> None:
    """Law: a trust survives the file, for our reader and for any other YAML reader."""
    found, findings = parsed(PLACE, TEXT.encode())
    assert findings == ()
    assert found is not None
    assert found.trust == TRUST
    assert [at.line for at in found.signers_at] == [7, 11]
    doc = yaml.safe_load(TEXT)
    assert doc["created"] == written(MADE)
    assert doc["signers"][1]["who"] == "bert: ops"
    assert "comments of your own do not survive" in TEXT


@given(st.text(min_size=1, max_size=30).filter(str.isprintable), st.integers(1, 1 << 30), st.integers(1, LATEST))
def test_any_name_survives(who: str, version: int, created: int) -> None:
    """Whatever a person is called."""
    assume(who == who.strip())  # `edgectl keys` refuses blanks at the ends, and so does the file
    trust = Trust(version, created, (Signer(ANNA, who),))
    found, findings = parsed(PLACE, text_of(trust).encode())
    assert (found.trust if found else None) == trust, findings


def changed(old: str, new: str) -> bytes:
    """Return the file with other words."""
    assert TEXT.count(old) >= 1, old
    return TEXT.replace(old, new, 1).encode()


WRONG = {
    "nothing": (b"", 1, "a trust is a map"),
    "a list": (b"- a\n", 1, "a trust is a map"),
    "broken": (b"version: [\n", 2, "broken YAML"),
    "no text": (b"\xff\xfe", 1, "no UTF-8"),
    "a version that is none": (changed("version: 3", "version: three"), 4, "a whole number is needed"),
    "version 0": (changed("version: 3", "version: 0"), 4, "at least 1"),
    "no version": (changed("version: 3\n", ""), 4, "version is missing"),
    "an unknown key": (changed("version: 3", "version: 3\nsingers: []"), 5, 'unknown key "singers" in trust'),
    "a name twice": (changed("version: 3", "version: 3\nversion: 4"), 5, 'duplicate key "version"'),
    "a bare date": (changed(f'"{written(MADE)}"', written(MADE)[:10]), 5, "put it in quotes"),
    "no time": (changed(written(MADE), "last week"), 5, "no time such as"),
    "local time": (
        changed(f'valid_after: "{written(MADE)}"', 'valid_after: "2026-11-01T00:00:00+01:00"'),
        16,
        "no time",
    ),
    "a private key": (changed(ANNA, "-----BEGIN OPENSSH PRIVATE KEY-----"), 8, "no public key"),
    "a cut key": (changed(ANNA, ANNA[:40]), 8, "no public key"),
    "one key twice": (changed(BERT, ANNA), 12, "bert: ops has the key of anna@ops"),
    "nobody": (changed('who: "anna@ops"', 'who: ""'), 7, "who"),
    "no stores": (changed('stores:\n      - "*"', "stores: []"), 9, "stores"),
    "it ends before it begins": (changed(written(MADE + DAY), written(MADE)), 17, "ends before it begins"),
    "a fingerprint that is none": (changed(KEYS["rsa"]["fingerprint"], "SHA256:abc"), 19, "a fingerprint is needed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_has_its_line(name: str) -> None:
    """Law: no trust is half understood."""
    data, line, sentence = WRONG[name]
    found, findings = parsed(PLACE, data)
    assert found is None
    said = [(finding.place.line, finding.sentence) for finding in findings]
    assert any(at == line and sentence in words for at, words in said), said


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    """Every one of them, with file:line:column."""
    place = tmp_path / "trust.yaml"
    place.write_bytes(changed("version: 3", "version: 0").replace(BERT.encode(), b"key"))
    with pytest.raises(InvalidInput) as caught:
        read(place)
    assert len([line for line in caught.value.details if line.startswith(str(place))]) == 2


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Law: a first trust replaces nothing; a next one only what was read."""
    place = tmp_path / "trust.yaml"
    write_new(place, TRUST)
    with pytest.raises(InvalidInput, match="not overwritten"):
        write_new(place, replace(TRUST, version=9))
    was = read(place)
    place.write_text(TEXT + "# mine\n")
    with pytest.raises(InvalidInput, match="changed meanwhile"):
        write(was, replace(TRUST, version=4))
    assert place.read_text().endswith("# mine\n")
    write(read(place), replace(TRUST, version=4))
    assert read(place).trust.version == 4


def rotation(module: Any) -> None:
    """Rotate: the new key may what the old one may, the old one ends after the overlap, never later than before."""
    new = Signer(CARL, "anna@ops", valid_after=written(NOW))
    trust = replace(TRUST, revoked=())
    found = module.rotated(trust, trust.signers[0], new, overlap=30 * DAY, now=NOW)
    assert (found.version, found.created, found.revoked) == (4, NOW, ())
    assert found.signers == (replace(trust.signers[0], valid_before=written(NOW + 30 * DAY)), trust.signers[1], new)
    again = module.rotated(trust, trust.signers[1], new, overlap=30 * DAY, now=NOW)
    assert again.signers[1].valid_before == written(MADE + DAY)
    gone = module.revoked(trust, trust.signers[:1], now=NOW)
    assert (gone.version, gone.created, gone.signers) == (4, NOW, trust.signers)
    assert gone.revoked == (KEYS["ed25519"]["fingerprint"],)
    assert module.rotated(gone, gone.signers[0], new, overlap=DAY, now=NOW).signers[0] == gone.signers[0]
    assert module.to_rotate(found, "", now=NOW + 1) == new if len({one.who for one in found.signers}) == 1 else True


def test_rotate_and_revoke() -> None:
    """Law: each change is a new version, made now; a revoked key stays revoked."""
    rotation(edits)
    for signer in (Signer(CARL, "carl"), Signer(ANNA, "again")):
        with pytest.raises(InvalidInput):
            edits.added(TRUST, signer, now=NOW)
    gone = edits.revoked(TRUST, TRUST.signers, now=NOW)
    with pytest.raises(InvalidInput, match="revoked already"):
        edits.revoked(gone, TRUST.signers, now=NOW)


def test_a_clock_that_is_behind_the_trust() -> None:
    """Law: a machine whose clock is behind makes no new version: its offers would be old everywhere."""
    for now in (MADE - 1, MADE - 3652 * DAY):
        with pytest.raises(InvalidInput) as caught:
            edits.revoked(TRUST, TRUST.signers[:1], now=now)
        assert written(now) in caught.value.message


@pytest.mark.parametrize("word", ["anna@ops", ANNA, f"{ANNA} comment", KEYS["ed25519"]["fingerprint"]])
def test_a_key_by_any_of_its_names(word: str) -> None:
    """A name, a public key, a fingerprint."""
    assert edits.named(TRUST, word) == TRUST.signers[:1]


def test_whom_a_rotation_means() -> None:
    """The one person's newest; of several persons it asks; revoked ones only where nobody else is left."""
    mine = replace(TRUST, signers=TRUST.signers[:1])
    assert edits.to_rotate(mine, "", now=NOW) == mine.signers[0]
    assert edits.to_rotate(TRUST, "", now=NOW) == TRUST.signers[0]  # bert's has ended
    assert edits.to_rotate(TRUST, "bert: ops", now=NOW) == TRUST.signers[1]
    both = replace(TRUST, signers=(TRUST.signers[0], Signer(BERT, "bert")))
    with pytest.raises(UsageError, match="2 keys"):
        edits.to_rotate(both, "", now=NOW)
    with pytest.raises(UsageError):
        edits.to_rotate(Trust(1, 1, ()), "", now=NOW)
    newer = replace(TRUST, signers=(TRUST.signers[0], Signer(BERT, "anna@ops", valid_after=written(MADE))))
    assert edits.to_rotate(newer, "", now=NOW) == newer.signers[1]
    assert edits.to_rotate(edits.revoked(newer, newer.signers, now=NOW), "", now=NOW) == newer.signers[1]


def warned(module: Any, signers: tuple[Signer, ...], *, revoked: tuple[str, ...] = (), now: float = NOW) -> list[str]:
    """Return what lint would say of a store."""
    found, findings = parsed(PLACE, text_of(Trust(1, MADE, signers, revoked)).encode())
    assert isinstance(found, TrustFile), findings
    return [f"{one.place.line} {one.sentence}" for one in module.warnings(found, "store-042", now=now)]


def what_ends(module: Any) -> None:
    """Hold the warnings against what they are about."""
    soon, late = written(NOW + 30 * DAY), written(NOW + 30 * DAY + 1)
    assert warned(module, (Signer(ANNA, "anna", valid_before=late),)) == []
    (said,) = warned(module, (Signer(ANNA, "anna", valid_before=soon),))
    assert "anna" in said
    assert f"ends at {soon}, in 30 days" in said
    assert warned(module, (Signer(ANNA, "anna", valid_before=soon), Signer(BERT, "anna"))) == []
    (said,) = warned(module, (Signer(ANNA, "anna", valid_before=soon), Signer(BERT, "b", ("store-042",))))
    assert "anna" in said
    revoked = (KEYS["ecdsa"]["fingerprint"],)
    (said,) = warned(module, (Signer(ANNA, "anna", valid_before=soon), Signer(BERT, "b")), revoked=revoked)
    assert "anna" in said
    for signers in (
        (),
        (Signer(ANNA, "anna", ("bonn",)),),
        (Signer(BERT, "b"),),
        (Signer(ANNA, "anna", valid_before=written(NOW)),),
        (Signer(ANNA, "anna", valid_after=written(NOW + 1)),),
    ):
        (said,) = warned(module, signers, revoked=revoked)
        assert "no key that counts now" in said


def test_what_ends_soon_is_said_in_time() -> None:
    """Law: 30 days before a key ends with nothing after it, and where nobody may sign for a store."""
    what_ends(ages)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (ages, "signer.ends - now > SOON_SECONDS", "False"),
        (ages, "other.ends > signer.ends and ", ""),
        (ages, " and set(signer.stores) <= set(other.stores)", ""),
        (ages, " and other.fingerprint not in trust.revoked", ""),
        (ages, 'may_sign(one, store) and state_of(one, file.trust, now=now) == "valid"', "may_sign(one, store)"),
        (edits, "min(old.ends, now + int(overlap))", "now + int(overlap)"),
        (edits, "version=trust.version + 1, ", ""),
        (edits, ", created=now)", ")"),
        (edits, "if one == old and old.fingerprint not in trust.revoked else", "if one == old else"),
    ],
)
def test_the_laws_bite(module: Any, old: str, new: str) -> None:
    """Seeded faults."""
    faulty = mutant(module, (old, new))
    with pytest.raises((AssertionError, ValueError)):
        what_ends(faulty) if module is ages else rotation(faulty)


def test_where_keys_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the user's configuration; a next one never takes the name of one that is there."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    keys = tmp_path / "edgectl/keys"
    keys.mkdir(parents=True)
    assert free_name() == keys / "offer_ed25519"
    (keys / "offer_ed25519").write_text("private")
    (keys / "offer_ed25519.pub").write_text(f"{ANNA} anna@ops\n")
    (keys / "offer_ed25519-2.pub").write_text(f"{BERT} anna@ops\n")
    assert free_name() == keys / "offer_ed25519-3"
    assert public(keys / "offer_ed25519") == public(keys / "offer_ed25519.pub") == ANNA
