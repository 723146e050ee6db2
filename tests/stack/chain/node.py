"""The store's node: its GPU proven, its registry written by its own code, its Services and pods as an API has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgectl.node.gpu import proof
from edgectl.node.gpu.checkpoint import PLACE
from edgectl.node.gpu.proof import Device, Proof
from edgectl.node.gpu.proven import Proven
from edgectl.node.models.registry import CURRENT, Registry
from edgectl.wire.document import digest_of
from edgectl.wire.payload import Gpu, Model
from tests.unit.node.fake import BOOT, FakeNode

NAME, MODEL, VERSION, VISION = "n", "tiny-detector", "2", "/api/v1/namespaces/vision"
COMMITTED = Path(__file__).parents[3] / "templates" / "models" / MODEL / VERSION
GPU, CARD = Gpu("nvidia.com/gpu", 1, 1), "GPU-5a9dbc01-0000-4000-8000-000000000000"


class StoreNode(FakeNode):
    """Looks and hands of the node; of Kubernetes there are Services, pods and the Node alone."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.registry = Registry(self.places)
        status = {"nodeInfo": {"bootID": BOOT}, "allocatable": {GPU.resource: "1"}}
        self.kube.objects[f"/api/v1/nodes/{NAME}"] = {"metadata": {"name": NAME}, "status": status}
        checkpoint = root / PLACE
        checkpoint.parent.mkdir(parents=True)
        checkpoint.write_text(json.dumps({"Data": {"RegisteredDevices": {GPU.resource: [CARD]}}}))
        self.prove()
        (self.places.models / MODEL).mkdir(parents=True)
        files = {path.name: path.read_bytes() for path in COMMITTED.iterdir()}
        self.model = self.bring(VERSION, files)
        self.registry.point(MODEL, CURRENT, self.model.folder)

    def service(self, name: str, address: str) -> None:
        """Let the API know a Service, and its pod that runs."""
        spec = {"clusterIP": address, "selector": {"app": name}}
        self.kube.objects[f"{VISION}/services/{name}"] = {"metadata": {"name": name}, "spec": spec}
        self.pod(name, {"running": {}})

    def pod(self, name: str, state: dict[str, Any]) -> None:
        """Let the API know how the container of a Service's pod is."""
        status = {"phase": "Running", "containerStatuses": [{"name": name, "state": state}]}
        metadata = {"name": f"{name}-7f9c", "labels": {"app": name}}
        self.kube.objects[f"{VISION}/pods/{name}-7f9c"] = {"metadata": metadata, "status": status}

    def no_service(self, name: str) -> dict[str, Any]:
        """Take a Service away; returns it."""
        return self.kube.objects.pop(f"{VISION}/services/{name}")

    def give_back(self, service: dict[str, Any]) -> None:
        """Let it be there again."""
        self.kube.objects[f"{VISION}/services/{service['metadata']['name']}"] = service

    def prove(self) -> None:
        """Have the GPU's proof of this boot."""
        device = Device(CARD, "a card", ok=True, tries=1)
        proof.keep(self, Proof(BOOT, (device,)))
        self.write(self.places.gpu_marker, BOOT + "\n")

    def give_up(self) -> None:
        """Take the GPU's proof back, as the watchdog does with one that computes wrongly."""
        lost = Device(CARD, "a card", never=True, tries=1, reason="its sum is wrong")
        Proven(GPU, NAME).give_up(self, CARD, lost)

    def bring(self, version: str, files: dict[str, bytes]) -> Model:
        """Bring a version into the registry."""
        digests = {name: digest_of(data) for name, data in files.items()}
        for name, digest in digests.items():
            blob = self.places.blob(digest)
            blob.parent.mkdir(parents=True, exist_ok=True)
            if not blob.exists():
                blob.write_bytes(files[name])
        model = Model(MODEL, version, digests)
        self.registry.bring(model)
        return model

    def current(self, model: Model | None) -> None:
        """Let a version be the one that shall run; None: none."""
        self.registry.point(MODEL, CURRENT, model.folder if model is not None else "")

    def file(self, model: Model, name: str) -> Path:
        """Return a file of a version."""
        return self.registry.at(MODEL, model.folder) / name
