"""`edgectl accept` as typed: whom it strikes, whom it asks, and what becomes of a report that was altered."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.cli.lab import desk
from edgectl.control.accept import seal
from edgectl.control.accept.kit import Kit
from edgectl.control.accept.report import Named, Report, report
from edgectl.control.signing.sign import sign
from edgectl.report.page.accepted import page
from edgectl.wire.document import canonical, to_json
from edgectl.wire.errors import Refused
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode
from tests.unit.control.accept.site import SANDBOX, FakeSite

NAMED = Named("sha256:i", "c0ffee", "sha256:p", "sha256:e", "2026-11-28T09:00:00Z", "2026-11-28T09:10:00Z")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a key of the acceptor."""
    path = tmp_path / "lab-key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, timeout=30)
    return path


@pytest.fixture
def made() -> Report:
    """Return a report of a store that exists in no machine."""
    kit = Kit(FakeSite(SANDBOX), 0, 7)
    kit.run()
    return report(kit, NAMED)


@pytest.fixture
def sealed(made: Report, key: Path, tmp_path: Path) -> Path:
    """Return its signed file."""
    path = tmp_path / "report.json"
    seal.write(path, made, sign(seal.text_of(made), key, namespace=seal.NAMESPACE))
    return path


@pytest.fixture
def lab(inventory: Path) -> Path:
    """Let the store be a lab's."""
    inventory.write_text(inventory.read_text().replace("    title: Berlin", "    title: Berlin\n    lab: true"))
    return inventory


def test_a_store_that_sells_is_refused(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: only a store that says `lab: true` is struck; -y changes nothing of that, and nobody is asked."""
    said = edgectl("accept", "store-042", "-y")
    assert said.code == 2
    assert "store-042 is no lab's store" in said.err
    assert "lab: true" in said.err
    assert node.heard == []
    assert "lab" not in inventory.read_text()


@pytest.mark.usefixtures("lab")
def test_nobody_is_struck_unasked(node: StoreNode, edgectl: Edgectl) -> None:
    """Law: without a terminal and without -y nothing is done, and the hint says how."""
    said = edgectl("accept", "store-042")
    assert said.code == 2
    assert "store-042 is not struck unasked" in said.err
    assert node.heard == []


@pytest.mark.usefixtures("lab")
def test_no_key_no_report(node: StoreNode, edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: a report that nobody could sign is said before the store is touched; so is a place that takes none."""
    said = edgectl("accept", "store-042", "-y", "--report", str(tmp_path / "r.json"))
    assert said.code == 3
    assert "store-042 trusts no key" in said.err
    missing = edgectl("accept", "store-042", "-y", "--report", str(tmp_path / "r.json"), "--sign-with", "/nothing")
    assert (missing.code, "there is no signing key /nothing" in missing.err) == (3, True)
    folder = edgectl("accept", "store-042", "-y", "--report", str(tmp_path))
    assert folder.code == 2
    assert node.heard == []
    assert not (tmp_path / "r.json").exists()


@pytest.mark.usefixtures("lab")
def test_an_acceptance_from_the_press_to_the_file(
    node: StoreNode, edgectl: Edgectl, tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: rows as they come, one document, a signed file and a page; what failed decides the exit code."""
    fake = FakeSite()

    class Desk(desk.Desk):
        """The real deploys, of a node in a folder; what only a machine has is made up."""

        look, facts, relied, gpus = fake.look, fake.facts, fake.relied, fake.gpus
        doctor, preflight, bare_bytes = fake.doctor, fake.preflight, fake.bare_bytes
        is_loopback = fake.is_loopback

    monkeypatch.setattr(desk, "Desk", Desk)
    file, html = tmp_path / "r.json", tmp_path / "r.html"
    words = ("accept", "store-042", "-y", "--storm", "0", "--seed", "3", "--report", str(file), "--sign-with", str(key))
    said = edgectl(*words, "--html", str(html), "-o", "json")
    rows = {row["id"]: row for row in said.document["rows"]}
    assert said.code == 0, said
    assert (said.document["word"], said.document["real"], said.document["seed"]) == ("passed", True, 3)
    assert rows["again"]["measured"].startswith("0 changes, ")
    assert rows["restored"]["word"] == "ok"
    assert not node.file(desk.CHANGED).exists(), "the value is put back"
    assert seal.read(file).report.store == "store-042"
    assert "acceptance" in html.read_text()
    assert "http" not in html.read_text().replace("http-equiv", "")
    fine = edgectl("accept", "--verify", str(file), "--key", f"{key}.pub")
    assert (fine.code, "is as" in fine.out) == (0, True)
    assert edgectl("accept", "--verify", str(file), "--key", f"{key}.pub", "-o", "json").document["signer"]


def leaves(doc: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value."""
    items = doc.items() if isinstance(doc, dict) else enumerate(doc) if isinstance(doc, list) else ()
    below = [leaf for name, item in items for leaf in leaves(item, (*path, name))]
    yield from below or [path]


def other(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return value + "x" if isinstance(value, str) else {"x": 1} if isinstance(value, dict) else ["x"]


def test_a_report_altered_at_any_field_is_found(made: Report, sealed: Path, key: Path) -> None:
    """Law: each value of the report is signed; whoever writes the file anew, canonically, is found, too."""
    keys = {"anna@lab": key.with_suffix(".pub").read_text()}
    assert seal.check(sealed, seal.read(sealed), keys) == "anna@lab"
    doc = json.loads(sealed.read_text())
    places = list(leaves(doc["report"]))
    one_of_each = {tuple(step for step in place if isinstance(step, str)): place for place in places}
    assert len(one_of_each) > 40
    for place in one_of_each.values():
        changed = copy.deepcopy(doc)
        at = changed["report"]
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = other(at[place[-1]])
        sealed.write_bytes(canonical(changed) + b"\n")
        with pytest.raises(Refused, match=r"altered after|as edgectl writes"):
            seal.check(sealed, seal.read(sealed), keys)
    assert to_json(made) == doc["report"]


def test_a_file_with_one_other_byte_is_found(sealed: Path, key: Path) -> None:
    """Law: flipped, added, taken away: no byte of the file may differ."""
    data = sealed.read_bytes()
    keys = {"anna@lab": key.with_suffix(".pub").read_text()}
    step = len(data) // 40
    for at in (*range(0, len(data), step), len(data) - 1):
        for bad in (data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data[:at] + data[at + 1 :]):
            sealed.write_bytes(bad)
            with pytest.raises(Refused):
                seal.check(sealed, seal.read(sealed), keys)
    for bad in (b"", b"{}", b" " + data, data + b"\n", data[: len(data) // 2], b"\xff" + data):
        sealed.write_bytes(bad)
        with pytest.raises(Refused):
            seal.read(sealed)


def test_whose_signature_counts(sealed: Path, made: Report, key: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: another's key, a signature for another purpose, and no key to hold it against: none is believed."""
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True, timeout=30)
    said = edgectl("accept", "--verify", str(sealed), "--key", f"{stranger}.pub")
    assert (said.code, "is none of 1 keys that count here" in said.err) == (11, True)
    forged = tmp_path / "forged.json"
    better = replace(made, real=True, stood_in=())
    seal.write(forged, better, sign(seal.text_of(better), stranger, namespace=seal.NAMESPACE))
    assert edgectl("accept", "--verify", str(forged), "--key", f"{key}.pub").code == 11
    seal.write(forged, made, sign(seal.text_of(made), key))
    said = edgectl("accept", "--verify", str(forged), "--key", f"{key}.pub")
    assert (said.code, "not for an acceptance" in said.err) == (11, True)
    assert edgectl("accept", "store-1", "--verify", str(sealed), "--key", f"{key}.pub").code == 11
    assert edgectl("accept", "--verify", "/nothing.json", "--key", f"{key}.pub").code == 3


def test_the_inventorys_trust_says_whose(
    inventory: Path, sealed: Path, made: Report, key: Path, edgectl: Edgectl
) -> None:
    """Law: without --key the store's trust decides: its signers, for their stores, in their time."""
    named = replace(made, store="store-042")
    seal.write(sealed, named, sign(seal.text_of(named), key, namespace=seal.NAMESPACE))
    said = edgectl("accept", "--verify", str(sealed))
    assert (said.code, "nothing says whose signature counts" in said.err) == (3, True)
    inventory.write_text(inventory.read_text().replace("bundle: bundle\n", "bundle: bundle\ntrust: trust.yaml\n"))
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    trust = f"""version: 1
created: "2026-01-01T00:00:00Z"
signers:
  - {{who: "anna@lab", key: "{public}", stores: ["store-0*"], valid_before: "2027-01-01T00:00:00Z"}}
"""
    place = inventory.with_name("trust.yaml")
    place.write_text(trust)
    said = edgectl("accept", "--verify", str(sealed))
    assert (said.code, "as anna@lab has signed it" in said.out) == (0, True), said
    seal.write(sealed, replace(named, ended="yesterday"), seal.read(sealed).signature)
    said = edgectl("accept", "--verify", str(sealed))
    assert (said.code, "at no time that edgectl writes: 'yesterday'" in said.err) == (11, True), said
    seal.write(sealed, named, sign(seal.text_of(named), key, namespace=seal.NAMESPACE))
    place.write_text(trust.replace("store-0*", "store-9*"))
    assert edgectl("accept", "--verify", str(sealed)).code == 11
    place.write_text(trust.replace('before: "2027', 'before: "2026'))
    assert edgectl("accept", "--verify", str(sealed)).code == 11


def test_a_report_is_written_whole_or_not_at_all(made: Report, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a disk that is full leaves the older file as it was, and nothing beside it."""
    before = sealed.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgectl.control.staging.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        seal.write(sealed, made, b"x")
    assert sealed.read_bytes() == before
    assert [path.name for path in sealed.parent.glob(".staging-*")] == []


def test_the_page_escapes_what_it_shows(made: Report) -> None:
    """Law: what a machine says of itself is text on the page, and nothing else."""
    row = replace(made.rows[0], measured="<script>alert(1)</script>")
    text = page(replace(made, rows=(row,)))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
