"""The bundle of a node: what is in it, how large it can be, and that no secret is."""

from __future__ import annotations

import base64
import io
import json
import os
import tarfile
from pathlib import Path

from edgectl.node.doctor.bundle import MOST_BYTES, pack, tail
from edgectl.node.io.programs import Ran
from tests.unit.node.fake import FakeNode

SHOWN, USER = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "99aa88bb77cc66dd55ee44ff33001122"  # passwords of k3s's own
SECRET, PIN, TOKEN = "correct-horse-battery-staple", "4711", f"K10{'ab' * 32}::server:0123456789abcdef"


def planted(node: FakeNode) -> dict[str, bytes]:
    """Plant secrets wherever a node says something, and return the bundle's files."""
    places = node.places
    places.secret_values.parent.mkdir(parents=True)
    places.secret_values.write_text(json.dumps({"app": {"PASSWORD": SECRET, "PIN": PIN}}))
    (places.k3s_data / "server").mkdir(parents=True)
    (places.k3s_data / "server/token").write_text(f"{TOKEN}\n")
    (places.k3s_data / "server/cred").mkdir()
    (places.k3s_data / "server/cred/passwd").write_text(f"{USER},node,node,k3s:agent\n")
    (places.root / "etc/rancher/node").mkdir(parents=True)
    (places.root / "etc/rancher/node/password").write_text(f"{SHOWN}\n")
    packed = base64.b64encode(SECRET.encode()).decode()
    words = f"got {SECRET} and {packed} and pin {PIN}, token {TOKEN}\nfor {SHOWN}, {USER}\n"
    words += "password=other-secret-1\nharmless line\n"
    node.on_run = lambda *argv: Ran(argv, 0, words, words, 0.1)
    log = places.root / "var/log/pods/vision_inference-1_uid/inference/0.log"
    log.parent.mkdir(parents=True)
    log.write_text(words)
    places.journal.mkdir(parents=True)
    (places.journal / "20260101T000000.000000-deploy-0a1b.jsonl").write_text(json.dumps({"reason": words}) + "\n")
    places.run.mkdir(parents=True)
    places.watch.write_text(json.dumps({"held": words}))
    return files(pack(places, diagnosis=words, look=node))


def files(data: bytes) -> dict[str, bytes]:
    """Open a bundle."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {entry.name: archive.extractfile(entry) for entry in archive}
        return {name: file.read() for name, file in found.items() if file is not None}


def test_no_secret_is_in_it(node: FakeNode) -> None:
    """Not in a log, a journal, a state, a pod's words, the diagnosis; plain or packed. What is harmless stays."""
    found = planted(node)
    everything = b"\n".join(found.values())
    for secret in (
        SECRET,
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        "0123456789abcdef",
        "other-secret-1",
        SHOWN,
        USER,
    ):
        assert secret.encode() not in everything, secret
    assert b"pin 4711" not in everything
    for name in ("doctor.txt", "logs/k3s.log", "pods/vision_inference-1_uid/inference/0.log", "state/watch.json"):
        assert b"harmless line" in found[f"doctor/{name}"], name
    assert any(name.startswith("doctor/journal/2026") for name in found)


def test_the_manifest_lists_all_with_their_sizes(node: FakeNode) -> None:
    """Who receives it sees what there is."""
    found = planted(node)
    listed = found.pop("doctor/MANIFEST.txt").decode().splitlines()[1:]
    assert {line.split()[1]: int(line.split()[0]) for line in listed} == {
        name.removeprefix("doctor/"): len(data) for name, data in found.items()
    }


def test_it_is_never_larger_than_it_may_be(node: FakeNode) -> None:
    """Whatever the logs hold, be it noise that does not pack; a node that is asked for less gives less."""
    node.on_run = lambda *argv: Ran(argv, 0, "\n".join(os.urandom(400).hex() for _ in range(500)), "", 0.1)
    folder = node.places.root / "var/log/pods"
    for number in range(150):
        log = folder / f"vision_pod-{number}_uid/c/0.log"
        log.parent.mkdir(parents=True)
        log.write_bytes((os.urandom(40).hex() + "\n").encode() * 1500)
    node.places.journal.mkdir(parents=True)
    for number in range(60):
        name = f"20260101T0000{number:02}.000000-heal-{number:04x}.jsonl"
        (node.places.journal / name).write_text(f"{os.urandom(40_000).hex()}\n")
    data = pack(node.places, diagnosis="x", look=node)
    assert 1_000_000 < len(data) <= MOST_BYTES
    assert len(pack(node.places, diagnosis="x", look=node, most_bytes=500_000)) <= 500_000
    assert "doctor/doctor.txt" in files(data)


def test_a_bare_machine_has_a_bundle(node: FakeNode) -> None:
    """Nothing was ever deployed, no program is there: it says so much."""
    node.on_run = lambda *argv: Ran(argv, 127, "", f"{argv[0]}: not found", 0.0)
    assert set(files(pack(node.places, diagnosis="nothing", look=node))) == {
        "doctor/MANIFEST.txt",
        "doctor/doctor.txt",
        "doctor/versions.txt",
    }


def test_a_tail_begins_with_a_whole_line(tmp_path: Path) -> None:
    """Half a line may hold half a secret, which nobody would know."""
    path = tmp_path / "log"
    path.write_text("first secret-value\nsecond\nthird\n")
    assert tail(path, 12) == "third\n"
    assert tail(path, 999).startswith("first")
