"""Offers on a stick: whenever writing is cut off, each offer that is there is signed and has all of its blobs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from edgectl.control.bundle.carry import Cargo, carry
from edgectl.control.bundle.layout import Bundle
from edgectl.control.bundle.offers import offer_findings
from edgectl.wire.document import digest_of
from edgectl.wire.errors import EdgectlError
from edgectl.wire.offer import Offer, Part, decode
from edgectl.wire.payload import Payload
from edgectl.wire.payload import decode as decode_payload
from tests.stick import ENGINE, NOW, STORE, key, payload, signed, tar_of
from tests.unit.node.faults import Disk, Killed, sweep


def cargo(source: Bundle, made: Payload, serial: int) -> Cargo:
    """Return what is exported for a store, signed."""
    k3s = source.add(made.title.encode(), kind="k3s", name="k3s", version=made.title)
    engine = tar_of(ENGINE | {"version": made.title.encode()})
    data = made.encode()
    runtime = Part(digest_of(engine), len(engine))
    offer = Offer(made.store, serial, serial + 10, Part(made.digest, len(data)), runtime).encode()
    return Cargo((k3s,), {}, {made.store: data}, engine, {made.store: (offer, signed(offer, key()))})


def whole(root: Path) -> str:
    """Return what a node finds in a folder: the title of the payload that is offered, whole and well signed."""
    path = root / f"offers/{STORE}.json"
    data = path.read_bytes()
    signatures = [path.with_name(f"{path.name}.sig{end}") for end in ("", ".new")]
    assert signed(data, key()) in [one.read_bytes() for one in signatures if one.is_file()]
    offer = decode(data)
    blobs = root / "blobs/sha256"
    for part in (offer.payload, offer.runtime):
        assert digest_of((blobs / part.digest[7:]).read_bytes()) == part.digest
    made = decode_payload((blobs / offer.payload.digest[7:]).read_bytes())
    for digest in made.blobs:
        assert digest_of((blobs / digest[7:]).read_bytes()) == digest
    return made.title


def test_an_export_that_is_cut_off_leaves_the_old_offer_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every operation, failing or killed; the same export again brings the new one, and nothing else stays."""
    source = Bundle.create(tmp_path / "bundle")
    old, new = cargo(source, payload("v1"), NOW), cargo(source, payload("v2"), NOW + 100)
    found: set[str] = set()
    monkeypatch.setattr(os, "fsync", lambda _: None)  # counted all the same, and not waited for
    carry(source, old, tmp_path / "old")

    def attempt(disk: Disk, number: int) -> bool:
        stick = tmp_path / f"{number}-{disk.kills}"
        shutil.copytree(tmp_path / "old", stick)
        with disk.armed():
            try:
                carry(source, new, stick)
            except (Killed, EdgectlError):
                assert disk.reached
        found.add(whole(stick))
        if not disk.reached:
            return False
        carry(source, new, stick)
        assert whole(stick) == "v2"
        assert list(offer_findings(stick)) == []
        assert len(list((stick / "blobs/sha256").iterdir())) == 3
        return True

    assert sweep(attempt) > 40
    assert found == {"v1", "v2"}


def test_a_first_export_that_is_cut_off_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every operation, failing or killed: what it has left is no stranger's bundle to the same export."""
    source = Bundle.create(tmp_path / "bundle")
    new = cargo(source, payload("v1"), NOW)
    monkeypatch.setattr(os, "fsync", lambda _: None)

    def attempt(disk: Disk, number: int) -> bool:
        stick = tmp_path / f"{number}-{disk.kills}"
        with disk.armed():
            try:
                carry(source, new, stick)
            except (Killed, EdgectlError):
                assert disk.reached
        if disk.reached:
            carry(source, new, stick)
        assert whole(stick) == "v1"
        return disk.reached

    assert sweep(attempt) > 40


def test_offers_that_nobody_asks_for_go_before_their_blobs(tmp_path: Path) -> None:
    """An export without a key, or of other stores: no offer stays whose blobs have gone."""
    source = Bundle.create(tmp_path / "bundle")
    made = cargo(source, payload("v1"), NOW)
    carry(source, made, tmp_path / "usb")
    assert whole(tmp_path / "usb") == "v1"
    carry(source, Cargo(made.artifacts, {}, made.payloads, made.engine, {}), tmp_path / "usb")
    assert not (tmp_path / "usb/offers").exists()


@pytest.mark.parametrize("what", ["link", "pipe-like", "stranger"])
def test_what_is_no_offer_is_found(what: str, tmp_path: Path) -> None:
    """Links, folders, and files that belong to no offer."""
    source = Bundle.create(tmp_path / "bundle")
    carry(source, cargo(source, payload("v1"), NOW), tmp_path / "usb")
    place = tmp_path / "usb/offers/x.json.sig"
    if what == "link":
        place.symlink_to("/etc/passwd")
    elif what == "stranger":
        place.write_bytes(b"")
    else:
        place.mkdir()
    ((where, sentence),) = offer_findings(tmp_path / "usb")
    assert where == "offers/x.json.sig"
    assert sentence in {"is no plain file", "belongs to no offer: remove it"}
