"""`edgectl doctor` and, at the rack, `edgectl-node doctor`: one answer, one exit code a state; pages; bundles."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edgectl.control.collect.collect import folder
from edgectl.node import main as at_the_rack
from edgectl.node.doctor import told
from edgectl.report.schemas import schemas
from edgectl.wire.diagnosis import Cause, Diagnosis, Unseen
from edgectl.wire.errors import Unreachable
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode

CAUSE = Cause(
    "E-K3S-03",
    "k3s",
    "k3s does not run: inactive",
    ("k3s.service: dead",),
    "edgectl deploy STORE",
    so=("pods", "inference"),
)
SINK = Cause("E-SNK-01", "sink", "The sink is not reached: refused", stops=False)


class Patient:
    """What the doctor of the node says."""

    found = Diagnosis("node-1", (), fine=("disk", "k3s"), looked=2)


@pytest.fixture
def patient(inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """Return a store that is deployed, whose node's look is data; the rest of the way is real."""
    assert inventory.exists()
    assert edgectl("deploy", "store-042").code == 0
    del node
    one = Patient()
    monkeypatch.setattr(told, "looked", lambda _: one.found)
    monkeypatch.setattr("edgectl.node.doctor.looked.looked", lambda _: one.found)
    return one


@pytest.mark.parametrize(
    ("found", "code", "head"),
    [
        (Diagnosis("node-1", fine=("disk", "k3s"), looked=2), 0, "store-042 is READY: nothing is wrong"),
        (Diagnosis("node-1", (CAUSE, SINK)), 5, "store-042 is NOT READY: 2 things are wrong"),
        (Diagnosis("node-1", (SINK,)), 9, "store-042 is DEGRADED: one thing is wrong"),
        (Diagnosis("node-1", unseen=(Unseen("disk", "hangs"),)), 5, "store-042 is UNKNOWN"),
    ],
)
def test_each_state_has_its_exit(patient: Patient, edgectl: Edgectl, found: Diagnosis, code: int, head: str) -> None:
    """In text and in JSON, within 80 columns; what to do and the code stand there."""
    patient.found = found
    said = edgectl("doctor", "store-042")
    assert said.code == code, said
    assert said.out.startswith(head)
    assert max(map(len, said.out.splitlines())) <= 80
    for cause in found.causes:
        assert cause.code in said.out
        assert cause.do.replace("STORE", "store-042") in said.out
    document = edgectl("doctor", "store-042", "-o", "json").document
    assert [one["code"] for one in document["causes"]] == [one.code for one in found.causes]
    assert document["word"] == found.word


def test_a_node_that_cannot_be_asked(patient: Patient, node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 4, what stands in the way with its code, and what the node has told last by the record."""
    del patient
    beats = folder() / "store-042/node-1/beats.jsonl"
    beats.parent.mkdir(parents=True)
    beats.write_text('{"word": "ready", "runs": 1, "got": "2026-11-21T13:02:11Z"}\n')
    node.refuses = Unreachable("node-1 (root@10.77.0.11:22) did not answer within 15 s", hint="is it on?")
    said = edgectl("doctor", "store-042")
    assert said.code == 4, said
    flat = " ".join(said.out.split())
    assert "store-042 is UNKNOWN" in flat
    assert "E-LNK-03" in flat
    assert "last told ready" in flat
    assert "is it on?" in flat


def test_what_only_the_desk_knows(patient: Patient, inventory: Path, edgectl: Edgectl) -> None:
    """An inventory that is newer than what runs is a note, and no fault."""
    assert patient.found.exit == 0
    assert "E-LNK-13" not in edgectl("doctor", "store-042").out
    inventory.write_text(inventory.read_text().replace('"good"', '"better"'))
    said = edgectl("doctor", "store-042")
    assert said.code == 0
    assert "E-LNK-13" in said.out


def test_a_bundle_from_the_desk(patient: Patient, node: StoreNode, edgectl: Edgectl, tmp_path: Path) -> None:
    """The node's own inside, a manifest, what this desk knows; the exit code is the diagnosis'."""
    patient.found = Diagnosis("node-1", (SINK,))
    places = node.places
    places.secret_values.parent.mkdir(parents=True, exist_ok=True)
    places.secret_values.write_text(json.dumps({"app": {"PASSWORD": "correct-horse-battery"}}))
    (places.run / "watch.json").write_text("said correct-horse-battery")
    file = tmp_path / "bundle.tar.gz"
    said = edgectl("doctor", "store-042", "--bundle", str(file))
    assert said.code == 9, said
    assert str(file) in said.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.glob("*bundle.tar*")] == ["bundle.tar.gz"]
    with tarfile.open(file) as archive:
        names = archive.getnames()
        inner = archive.extractfile("store-042/node-1.tar.gz")
        assert inner is not None
        data = inner.read()
    assert {"store-042/MANIFEST.txt", "store-042/doctor.txt", "store-042/operator.txt"} <= set(names)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        texts = {entry.name: archive.extractfile(entry) for entry in archive}
        whole = b"\n".join(text.read() for text in texts.values() if text is not None)
    assert any(name.startswith("doctor/journal/") for name in texts)
    assert b"correct-horse-battery" not in whole
    assert b"said [redacted]" in whole


def test_a_bundle_that_cannot_be_written(patient: Patient, node: StoreNode, edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: it is said before a node is asked, in one JSON document. Seeded: tried when it is written."""
    assert patient.found.exit == 0
    (tmp_path / "file").write_text("")
    asked = node.frames
    for place in (tmp_path / "file/b.tar.gz", tmp_path):
        said = edgectl("doctor", "store-042", "--bundle", str(place), "-o", "json")
        assert (said.code, said.document["error"]) == (2, "UsageError")
        assert "--bundle" in said.document["message"]
    assert node.frames == asked
    assert edgectl("doctor", "--bundle", "x").code == 2


def test_a_disk_that_fills_meanwhile_changes_no_diagnosis(
    patient: Patient, edgectl: Edgectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: one document, the doctor's own exit code, a note, nothing half. Seeded: raised, or written in its place."""
    patient.found = Diagnosis("node-1", (SINK,))
    file = tmp_path / "cases" / "bundle.tar.gz"
    assert edgectl("doctor", "store-042", "--bundle", str(file)).code == 9
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        said = edgectl("doctor", "store-042", "--bundle", str(file), "-o", "json")
    assert (said.code, said.document["word"]) == (9, patient.found.word)
    assert f"  note      {file} could not be written: No space left on device" in said.err
    assert {one.name: one.read_bytes() for one in file.parent.iterdir()} == {"bundle.tar.gz": before}


def test_pages_at_the_desk_and_at_the_rack(
    edgectl: Edgectl, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text, by code, step, error or exit; one that there is not names what is near."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for asked in ("E-GPU-17", "workload-vision-stack", "WrongHostKey", "exit-5", "e-gpu-17"):
        said = edgectl("doctor", "--explain", asked)
        assert said.code == 0
        capsys.readouterr()
        assert at_the_rack.main(["doctor", "--explain", asked]) == 0
        assert capsys.readouterr().out == said.out
    no = edgectl("doctor", "--explain", "E-GPU-71")
    assert no.code == 2
    assert "E-GPU-17" in no.err
    assert "E-GPU-17" in edgectl("doctor", "--explain", "e-gpu-71").err
    assert at_the_rack.main(["doctor", "--explain", "E-GPU-71"]) == 2


def test_at_the_rack(patient: Patient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer about this node, its exit code, and JSON."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    patient.found = Diagnosis("node-1", (CAUSE,))
    assert at_the_rack.main(["doctor"]) == 5
    assert "E-K3S-03" in capsys.readouterr().out
    assert at_the_rack.main(["doctor", "-o", "json"]) == 5
    document = json.loads(capsys.readouterr().out)
    assert document["word"] == "not ready"
    Draft202012Validator(schemas()["doctor"]).validate(document)  # the same as from a desk


@pytest.mark.usefixtures("inventory")
def test_this_machine(inventory: Path, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a store: what this desk lacks, each for itself; a broken inventory hides the bundle, and no more."""
    from edgectl.control.doctor import desk

    class AtHome(desk.Desk):
        """With a key, whoever runs this test."""

        def __init__(self, inventory: Path, home: Path) -> None:
            super().__init__(inventory, home, keys=lambda _: (1, ()))

    monkeypatch.setattr(desk, "Desk", AtHome)
    original = inventory.read_text()
    fine = edgectl("doctor")
    assert fine.code == 0, fine
    assert "bundle" in fine.out
    inventory.write_text("version: 1\nstores: 7\n")
    said = edgectl("doctor")
    assert said.code == 5
    assert "E-OPS-03" in said.out
    assert "E-OPS-04" not in said.out
    inventory.write_text(f"{original}  store-043: {{nodes: {{node-1: {{adress: 10.0.0.1}}}}}}\n")
    said = edgectl("doctor")
    assert (said.code, "E-OPS-03" in said.out, "adress" in said.out) == (5, True, True), said


@pytest.mark.usefixtures("inventory")
def test_a_key_that_the_inventory_names_is_one(inventory: Path, edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: with no agent and nothing in ~/.ssh the desk can deploy with the file that its inventory names."""
    key = tmp_path / "stores_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=30)
    text = inventory.read_text()
    inventory.write_text(text.replace("defaults:\n", f"defaults:\n  ssh: {{keys: [{key}]}}\n"))
    assert inventory.read_text() != text
    assert "E-OPS-02" not in edgectl("doctor").out
    key.unlink()
    assert "E-OPS-02" in edgectl("doctor").out
