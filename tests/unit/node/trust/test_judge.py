"""Which signed offers a node takes: a table of how it stands, what comes, and the sentence that it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.trust import judge as real
from edgectl.node.trust.judge import Stands
from edgectl.node.trust.kept import Heard
from edgectl.wire.errors import Refused
from edgectl.wire.offer import Offer, Part
from edgectl.wire.sshsig import Signed
from edgectl.wire.trust import Signer, Trust, blob_of, moment, written
from tests.laws.fake_store import mutant

KEYS = json.loads((Path(__file__).parents[3] / "cases" / "signing" / "keys.json").read_text())
ANNA, BERT, EVE = (KEYS[kind]["key"] for kind in ("ed25519", "ecdsa", "rsa"))
DAY = 86400
MADE = moment("2026-11-01T00:00:00Z")
NOW = MADE + 20 * DAY
DECADE = 3652 * DAY
PARTS = Part("sha256:" + "a" * 64, 1), Part("sha256:" + "b" * 64, 1)
OTHER = "sha256:" + "c" * 64
OFFER = Offer("store-042", NOW - DAY, NOW + 30 * DAY, *PARTS)
SIGNER = Signer(ANNA, "anna@ops", ("store-0*",), written(MADE), written(MADE + 300 * DAY))
TRUST = Trust(3, MADE, (SIGNER, Signer(BERT, "bert@ops")))
STANDS = Stands("store-042", payload=OTHER, runtime=PARTS[1].digest, created=written(MADE + DAY))
HEARD = Heard.of(OFFER, TRUST)


@dataclass
class Case:
    """One offer that comes. `said` are parts of the sentence that refuses it; empty: it is taken."""

    said: tuple[str, ...] = ()
    new: bool = True
    key: str = ANNA
    namespace: str = "edgectl-offer"
    offer: Offer = OFFER
    stands: Stands = field(default_factory=lambda: STANDS)
    trust: Trust = field(default_factory=lambda: TRUST)
    now: float = NOW


def keyed(**fields: Any) -> Trust:
    """Return the trust with another first key."""
    return replace(TRUST, signers=(replace(SIGNER, **fields), *TRUST.signers[1:]))


CASES = {
    "as it should be": Case(),
    "a bare node that has a trust": Case(stands=Stands("")),
    "another key that counts": Case(key=BERT),
    "a key without times": Case(trust=keyed(valid_after="", valid_before="")),
    # whose
    "an unknown key": Case(("does not know the key", KEYS["rsa"]["fingerprint"]), key=EVE),
    "a revoked key": Case(
        ("anna@ops", "is revoked", KEYS["ed25519"]["fingerprint"], "version 3"),
        trust=replace(TRUST, revoked=(KEYS["ed25519"]["fingerprint"],)),
    ),
    "a revoked key that stands nowhere else": Case(
        ("is revoked",), trust=replace(TRUST, signers=(), revoked=(KEYS["ed25519"]["fingerprint"],))
    ),
    "a key of another that is revoked": Case(trust=replace(TRUST, revoked=(KEYS["ecdsa"]["fingerprint"],))),
    "a revoked key, and the offer was taken before": Case(
        ("is revoked",),
        trust=replace(TRUST, revoked=(KEYS["ed25519"]["fingerprint"],)),
        stands=replace(STANDS, heard=HEARD),
    ),
    "signed for git": Case(("'git'", "not as an offer"), namespace="git"),
    "signed for something that begins alike": Case(("not as an offer",), namespace="edgectl-offer2"),
    # for whom
    "another store": Case(("belongs to store-043", "store-042"), stands=replace(STANDS, store="store-043")),
    "a key for other stores": Case(
        ("anna@ops may not sign for store-042", "store-1*"), trust=keyed(stores=("store-1*",))
    ),
    "a key for no store": Case(("may not sign",), trust=keyed(stores=())),
    "a bare node, and a key for other stores": Case(
        ("may not sign",), trust=keyed(stores=("store-1*",)), stands=Stands("")
    ),
    "one pattern of several": Case(trust=keyed(stores=("bonn", "store-0*"))),
    "patterns know upper case": Case(("may not sign",), trust=keyed(stores=("STORE-042",))),
    # how new
    "signed before the trust was made": Case(
        ("is old", "version 3", written(MADE)),
        offer=replace(OFFER, serial=MADE - 1),
        trust=keyed(valid_after=""),
        stands=Stands(""),
    ),
    "signed as the trust was made": Case(offer=replace(OFFER, serial=MADE), stands=Stands("")),
    "older than what was taken": Case(
        ("is old", "has taken another one", written(OFFER.serial + 1)),
        stands=replace(STANDS, heard=replace(HEARD, serial=OFFER.serial + 1)),
    ),
    "as old as another that was taken": Case(
        ("has taken another one",), stands=replace(STANDS, heard=replace(HEARD, payload=OTHER))
    ),
    "as old as another engine that was taken": Case(
        ("has taken another one",), stands=replace(STANDS, heard=replace(HEARD, runtime=OTHER))
    ),
    "newer than what was taken": Case(stands=replace(STANDS, heard=replace(HEARD, serial=OFFER.serial - 1))),
    "older than what was taken under an older trust": Case(
        stands=replace(STANDS, heard=replace(HEARD, serial=OFFER.serial + 1, trust=2))
    ),
    "taken already": Case(new=False, stands=replace(STANDS, heard=HEARD)),
    "taken already, and expired since": Case(new=False, stands=replace(STANDS, heard=HEARD), now=NOW + DECADE),
    "taken already, and has brought a newer trust, and expired since": Case(
        new=False,
        stands=replace(STANDS, heard=replace(HEARD, trust=2), payload=PARTS[0].digest, created=written(OFFER.serial)),
        now=NOW + DECADE,
    ),
    "taken already, and a newer trust was made since": Case(
        ("is old", "version 3"),
        trust=replace(TRUST, created=OFFER.serial + 1),
        stands=replace(STANDS, heard=replace(HEARD, trust=2), created=""),
    ),
    "taken already, then deployed over": Case(
        ("is old",), stands=replace(STANDS, heard=HEARD, created=written(OFFER.serial + 5))
    ),
    "taken already, and runs": Case(
        new=False, stands=replace(STANDS, heard=HEARD, payload=PARTS[0].digest, created=written(NOW))
    ),
    "older than what was deployed": Case(
        ("is old", "what runs here was sent at", "sender's clock"),
        stands=replace(STANDS, created=written(OFFER.serial)),
    ),
    "older than what was deployed, told in another time zone": Case(
        ("what runs here",), stands=replace(STANDS, created="2026-11-20T02:00:00+02:00")
    ),
    "older than what a key dated that is revoked now": Case(
        stands=replace(STANDS, created="2099-01-01T00:00:00+00:00", sender=KEYS["ecdsa"]["fingerprint"]),
        trust=replace(TRUST, revoked=(KEYS["ecdsa"]["fingerprint"],)),
    ),
    "older than what another key dated that is revoked now, and than the trust": Case(
        ("is old", "version 3"),
        offer=replace(OFFER, serial=MADE - 1),
        stands=replace(STANDS, created="2099-01-01T00:00:00+00:00", sender=KEYS["ecdsa"]["fingerprint"]),
        trust=replace(TRUST, revoked=(KEYS["ecdsa"]["fingerprint"],)),
    ),
    "older than what a key dated that counts": Case(
        ("what runs here was sent at 2099",),
        stands=replace(STANDS, created="2099-01-01T00:00:00+00:00", sender=KEYS["ecdsa"]["fingerprint"]),
    ),
    "what was deployed has no time": Case(stands=replace(STANDS, created="yesterday")),
    # when
    "expired": Case(("has expired", "clock says", written(OFFER.expires)), now=OFFER.expires),
    "in its last second": Case(now=OFFER.expires - 1),
    "the key has ended": Case(
        ("key of anna@ops", "has ended", "clock says"),
        trust=keyed(valid_before=written(NOW)),
    ),
    "the key does not count yet": Case(
        ("counts from", "the offer was signed at"), trust=keyed(valid_after=written(NOW + DAY))
    ),
    "signed before the key counted": Case(("counts from",), trust=keyed(valid_after=written(OFFER.serial + 1))),
    "signed after the key had ended": Case(("counts from",), trust=keyed(valid_before=written(OFFER.serial)), now=MADE),
    # a clock that is wrong by a decade
    "a clock behind by a decade": Case(now=NOW - DECADE),
    "a clock of 1970": Case(now=0),
    "a clock before everything": Case(now=-(10**12)),
    "a clock behind, and a key of later than all that is known": Case(
        ("counts from", f"clock says {written(NOW - DECADE)}"),
        trust=keyed(valid_after=written(OFFER.serial)),
        now=NOW - DECADE,
    ),
    "a clock behind, and a key of as late as what runs": Case(
        trust=keyed(valid_after=written(MADE + DAY)), now=NOW - DECADE
    ),
    "a clock behind, and a key that has ended": Case(
        ("and the offer was signed at",),
        trust=keyed(valid_before=written(MADE + DAY)),
        now=NOW - DECADE,
    ),
    "a clock ahead by a decade": Case(("has ended", f"clock says {written(NOW + DECADE)}"), now=NOW + DECADE),
    "a clock ahead, and a key without an end": Case(
        ("has expired", f"clock says {written(NOW + DECADE)}"), trust=keyed(valid_before=""), now=NOW + DECADE
    ),
}


def judged(module: Any, case: Case) -> bool:
    """Ask both questions, in the order in which they are asked."""
    signer = module.signer_of(case.trust, Signed(blob_of(case.key), case.namespace, "sha512"))
    return bool(module.judge(case.trust, signer, case.offer, case.stands, now=case.now))


def table(module: Any, names: tuple[str, ...] = tuple(CASES)) -> None:
    """Hold every case against its answer."""
    for name in names:
        case = CASES[name]
        try:
            new: bool | None = judged(module, case)
            said, hint = "", ""
        except Refused as error:
            new, said, hint = None, error.message, error.hint
        assert (new is None) == bool(case.said), f"{name}: {said or 'it was taken'}"
        assert new is None or new == case.new, name
        for part in case.said:
            assert part in said, f"{name}: {said}"
        assert bool(hint) == bool(case.said), name


@pytest.mark.parametrize("name", CASES)
def test_each(name: str) -> None:
    """Law: an offer is taken, or refused with who, what and what to do next."""
    table(real, (name,))


def test_a_wrong_clock_is_named() -> None:
    """Law: whatever the clock decides, the sentence says what the clock says, and the hint how to set it."""
    for now in (NOW - DECADE, NOW + DECADE):
        for trust in (TRUST, keyed(valid_before=""), keyed(valid_after=written(OFFER.serial))):
            said = ""
            try:
                judged(real, Case(now=now, trust=trust))
            except Refused as error:
                said = f"{error.message} {error.hint}"
            assert not said or (written(now) in said and "timedatectl" in said), said


FAULTS = (
    ("if signed.namespace != NAMESPACE:", "if False:"),
    ("if name in trust.revoked:", "if False:"),
    ("if found is None:", "if not trust:"),
    ("if stands.store and offer.store != stands.store:", "if False:"),
    ("if stands.store and offer.store != stands.store:", "if offer.store != stands.store:"),
    ("if not any(fnmatchcase(offer.store, pattern) for pattern in signer.stores):", "if False:"),
    ("if _is_taken(trust, offer, stands):", "if False:"),
    ("    _judge_serial(trust, offer, stands)\n    _judge", "    _judge"),
    ("or offer.serial < _older(trust, offer, stands):", ":"),
    ("return heard.trust == trust.version or offer.serial >= trust.created", "return True"),
    ("return heard.trust == trust.version or offer.serial >= trust.created", "return heard.trust == trust.version"),
    ("if offer.serial < trust.created:", "if False:"),
    ("if offer.serial < trust.created:", "if offer.serial <= trust.created:"),
    ("if offer.serial <= _heard(trust, stands):", "if offer.serial < _heard(trust, stands):"),
    ("if offer.serial <= _older(trust, offer, stands):", "if offer.serial < _older(trust, offer, stands):"),
    ("and heard.trust == trust.version else 0", "else 0"),
    ("if not signer.begins <= offer.serial < signer.ends:", "if False:"),
    ("if max(now, floor) < signer.begins:", "if now < signer.begins:"),
    ("if max(now, floor) < signer.begins:", "if False:"),
    ("if now >= signer.ends:", "if False:"),
    ("if now >= offer.expires:", "if False:"),
    ("if now >= offer.expires:", "if now > offer.expires:"),
    ('clock = f"this node\'s clock says {written(now)}"', 'clock = ""'),
)


@pytest.mark.parametrize(("old", "new"), FAULTS, ids=[f"{old} -> {new}" for old, new in FAULTS])
def test_the_laws_bite(old: str, new: str) -> None:
    """Seeded faults: each question that is left out, or asked a little differently, turns a case red."""
    faulty = mutant(real, (old, new))
    with pytest.raises((AssertionError, AttributeError)):
        table(faulty)
