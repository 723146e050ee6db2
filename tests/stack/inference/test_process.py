"""The service as a process: it starts, says so, switches under load, and ends."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edgectl.stack.inference.client import Client
from tests.stack.inference.load import Load
from tests.stack.inference.models import scale
from tests.stack.inference.process import ROOT, running
from tests.stack.inference.shelf import NAME, Shelf

PICTURE = np.full((1, 3, 16, 16), 0.5, dtype=np.float32)


def test_it_starts_says_so_and_ends(tmp_path: Path) -> None:
    """Law: alive at once, one line when it is ready, all doors open, SIGTERM is 0 within 5 s."""
    starts = tmp_path / "starts"
    env = {"EDGECTL_START_LOG": str(starts), "HOSTNAME": "inference-1"}
    with running(ROOT / "templates" / "models", tmp_path / "log", "--max-batch", "4", env=env) as service:
        service.wait("ready: tiny-detector version 2 on ")
        assert starts.read_text().split()[1:3] == ["entrypoint", "inference-1"]
        assert service.get("/v2/health/ready", port=service.port)[0] == 200
        assert service.get("/live")[0] == 200
        doc = json.loads((ROOT / "templates/models/tiny-detector/2/reference.json").read_text())
        item = doc["request"]["inputs"][0]
        image = np.array(item["data"], dtype=np.float32).reshape(item["shape"])
        client = Client(service.url)
        answer, said = client.infer(image, model="tiny-detector", deadline_seconds=5, tier="full")
        assert np.abs(answer.ravel() - np.array(doc["answer"])).max() <= doc["tolerance"]
        assert said == {"tier": "full", "version": "2", "candidate": False}
        client.close()
        status = service.status()
        assert (status["service"], status["state"]["word"]) == ("inference", "ready")
        assert set(status["links"]) == {"model", "provider"}
        assert status["facts"]["batching"]["max_batch"] == 4
        metrics = service.get("/metrics")[1]
        assert 'vision_inference_requests_total{outcome="answered",tier="full",version="2"} 1.0' in metrics
        assert 'vision_inference_model_loaded_info{model="tiny-detector",role="current",version="2"} 1.0' in metrics
        assert service.end() == 0


def test_an_image_without_a_good_model_ends_with_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "a" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"no model")
    with running(tmp_path / "models", tmp_path / "log") as service:
        assert service.process.wait(timeout=30) == 1
        assert "cannot serve: model.onnx is no model that can be loaded" in service.log.read_text()


@pytest.mark.parametrize("most", ["1", "8"])
def test_a_switch_under_load_fails_nobody(most: str, tmp_path: Path) -> None:
    """Law: eight clients, four switches: every question is answered, each by one whole version, and by its own.

    Seeded faults: the stage is read twice in a batch; the old session is closed when the new one is there.
    """
    shelf = Shelf(tmp_path / "node")
    folders = {version: shelf.good(version, float(version)) for version in ("2", "3", "5")}
    shelf.current(folders["2"])
    with running(shelf.models, tmp_path / "log", "--max-batch", most) as service:
        service.wait(f"ready: {NAME} version 2 on ")
        with Load(service.url, NAME, PICTURE, scales=True) as seen:
            for before, version in (("2", "3"), ("3", "5"), ("5", "2"), ("2", "5")):
                shelf.current(folders[version])
                service.wait(f"switched: {NAME} from version {before} to {version}")
                asked = len(seen.answers)
                while len(seen.answers) < asked + 50:
                    assert not threading.Event().wait(0.01)
        assert seen.wrong == []
        assert {version for _, _, version in seen.answers} == {"2", "3", "5"}
        assert "vision_inference_switches_total 4.0" in service.get("/metrics")[1]


def test_a_bad_candidate_under_load_fails_nobody(tmp_path: Path) -> None:
    """Law: eight clients, a canary of half of the traffic that sees other things: it fails, no question does."""
    shelf = Shelf(tmp_path / "node")
    shelf.current(shelf.good("2", 2.0))
    with running(shelf.models, tmp_path / "log") as service:
        service.wait(f"ready: {NAME} version 2 on ")
        with Load(service.url, NAME, PICTURE, scales=True) as seen:
            shelf.rollout(shelf.good("7", 7.0))
            service.wait("rollout r1: version 7 failed: it agrees in 0.0%")
            asked = len(seen.answers)
            while len(seen.answers) < asked + 50:
                assert not threading.Event().wait(0.01)
        assert seen.wrong == []
        assert {version for _, _, version in seen.answers[-50:]} == {"2"}
        rollout = service.status()["facts"]["rollout"]
        assert (rollout["id"], rollout["word"], rollout["percent"]) == ("r1", "failed", 0)


def test_a_candidate_that_ends_the_service_is_refused_at_the_third_start(tmp_path: Path) -> None:
    """Law: too large for the pod, or a crash in native code: what serves is ended by it twice, and never again.

    Killed in the middle of a load, as the kernel does it: a file of the candidate's never comes to its end.
    """
    shelf = Shelf(tmp_path / "node")
    shelf.current(shelf.good("2", 2.0))
    folder = shelf.put_files("7", {"model.onnx": scale(7.0), "weights": b"x"})
    shelf.file(folder, "weights").unlink()
    os.mkfifo(shelf.file(folder, "weights"))
    shelf.rollout(folder)
    note = shelf.models.parent / "attempts" / folder
    for count in ("1", "2"):
        with running(shelf.models, tmp_path / "log") as service:
            ends = time.monotonic() + 30
            while not (note.exists() and note.read_text() == count):
                assert time.monotonic() < ends, service.log.read_text()
                time.sleep(0.01)
    with running(shelf.models, tmp_path / "log") as service:
        service.wait("rollout r1: version 7 failed: the service has ended 2 times while it was loaded")
        client = Client(service.url)
        assert client.infer(PICTURE, model=NAME, deadline_seconds=5)[0][0, 0, 0, 0] == 1.0
        client.close()
    assert [path.name for path in note.parent.iterdir()] == [folder], "what came to its end has left nothing"


def test_a_version_that_ends_the_service_gives_way_to_the_one_before(tmp_path: Path) -> None:
    """Law: the same of `current`: the store serves what ran before, and says why."""
    shelf = Shelf(tmp_path / "node")
    shelf.previous(shelf.good("2", 2.0))
    shelf.current(folder := shelf.good("3", 3.0))
    (shelf.models.parent / "attempts").mkdir()
    (shelf.models.parent / "attempts" / folder).write_text("2")
    with running(shelf.models, tmp_path / "log") as service:
        service.wait(f"ready: {NAME} version 2 on ")
        assert "has ended 2 times while it was loaded" in service.status()["links"]["model"]["reason"]


def test_a_registry_that_vanishes_while_it_serves(tmp_path: Path) -> None:
    """Law: the files of what runs may go: it runs from memory."""
    shelf = Shelf(tmp_path / "node")
    shelf.current(shelf.good("2", 2.0))
    with running(shelf.models, tmp_path / "log") as service:
        service.wait(f"ready: {NAME} version 2 on ")
        shutil.rmtree(shelf.models)
        client = Client(service.url)
        assert client.infer(PICTURE, model=NAME, deadline_seconds=5)[0][0, 0, 0, 0] == 1.0
        client.close()
        assert service.end() == 0
