"""Store and bundle become the payload: what goes in, what is missing, what changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.bundle.helm import RenderFailed, Rendering
from edgectl.control.bundle.layout import Bundle
from edgectl.control.inventory.load import load
from edgectl.control.payload.render import bundle_of, render
from edgectl.control.payload.rendered import Rendered
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Uplink, decode
from tests.unit.control.findings import findings as said

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
INVENTORY = f"""version: 1
bundle: bundle
defaults:
  k3s: {{version: v1.36.3+k3s1, config: {{disable: [traefik]}}, kubelet: {{failCgroupV1: false}}}}
  helm: {{version: v4.3.1}}
  gpu: {{count: 2, required: 1}}
  releases:
    plugin: {{chart: ./plugin, namespace: gpu-system}}
    vision: {{chart: ./vision, namespace: vision, needs: [gpu], values: {{image: edgectl.local/inference:1}}}}
  inference: {{release: vision, service: inference, model: tiny, reference: reference.json}}
stores:
  store-042:
    title: Berlin
    nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}, ssh: {{host: 127.0.0.1, port: 2222}}}}}}
"""


def template(asked: Rendering) -> tuple[dict[str, Any], ...]:
    """Stand for Helm: one DaemonSet whose image comes from the values, and a hook."""
    image = asked.values.get("image", "busybox:1")
    pod = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}
    hook = {"metadata": {"name": "h", "annotations": {"helm.sh/hook": "pre-install"}}, "kind": "Job"}
    return ({"kind": "DaemonSet", "metadata": {"name": asked.release}, **pod}, hook)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "home"
    for name in ("plugin", "vision"):
        (folder / name).mkdir(parents=True)
        (folder / name / "Chart.yaml").write_text(f"name: {name}\nversion: 1.0.0\n")
    (folder / "inventory.yaml").write_text(INVENTORY)
    (folder / "reference.json").write_text(json.dumps({"request": {"inputs": [{"name": "x"}]}, "answer": [1, 0.5]}))
    bundle = Bundle.create(folder / "bundle")
    bundle.add(b"k3s", kind="k3s", name="k3s", version="v1.36.3+k3s1")
    bundle.add(b"helm", kind="helm", name="helm", version="v4.3.1")
    for ref in (
        "docker.io/rancher/mirrored-pause:3.6",
        "docker.io/rancher/mirrored-coredns-coredns:1.12.0",
        "docker.io/library/busybox:1",
        "edgectl.local/inference:1",
        "edgectl.local/unused:1",
    ):
        bundle.add(ref.encode(), kind="image", name=ref.split("/")[-1].split(":")[0], version="1", refs=(ref,))
    return folder


def rendered(home: Path, **replaced: str) -> Rendered:
    text = INVENTORY
    for change in replaced.values():
        old, new = change.split(" => ")
        assert old in text
        text = text.replace(old, new)
    (home / "inventory.yaml").write_text(text)
    store = load(home / "inventory.yaml").store("store-042")
    return render(store, bundle_of(store), template=template)


def test_the_payload_holds_all_and_only_what_the_store_needs(home: Path) -> None:
    """Images of manifests, pause, CoreDNS, both binaries, both charts; every blob has its size and its place."""
    found = rendered(home)
    payload = found.payload
    node = payload.node("node-1")
    assert sorted(ref for image in node.k3s.images for ref in image.refs) == [
        "docker.io/library/busybox:1",
        "docker.io/rancher/mirrored-coredns-coredns:1.12.0",
        "docker.io/rancher/mirrored-pause:3.6",
        "edgectl.local/inference:1",
    ]
    assert len(payload.blobs) == 8
    assert {digest: path.stat().st_size for digest, path in found.blob_paths.items()} == payload.blobs
    named = {release.chart for release in payload.releases} | {image.archive for image in node.k3s.images}
    assert node.helm is not None
    assert named | {node.k3s.binary, node.helm.binary} == set(payload.blobs)
    assert decode(payload.encode()) == payload


def test_releases_keep_their_order_and_lose_their_hooks(home: Path) -> None:
    """The node puts them in place one after the other, and keeps in place only what stays."""
    plugin, vision = rendered(home).payload.releases
    assert (plugin.name, vision.name, vision.needs, vision.namespace) == ("plugin", "vision", ("gpu",), "vision")
    assert [manifest["kind"] for manifest in vision.manifests] == ["DaemonSet"]
    assert plugin.digest != vision.digest


def test_the_question_that_proves_inference_is_in_the_payload(home: Path) -> None:
    """Request, answer and tolerance come from the reference file, the namespace from the release."""
    question = rendered(home).payload.inference
    assert question is not None
    assert (question.namespace, question.service, question.port, question.model) == (
        "vision",
        "inference",
        8000,
        "tiny",
    )
    assert (question.answer, question.tolerance) == ((1.0, 0.5), 1e-4)


def test_a_store_with_gpus_is_guarded_by_all_that_its_nodes_offer(home: Path) -> None:
    """Law: whatever GPUs are called on a node, the cluster guards them; without GPUs there is no guard."""
    guard = rendered(home).payload.guard
    assert guard is not None
    assert guard.resources == ("nvidia.com/gpu",)
    assert guard.exempt == ("gpu-operator", "gpu-system", "kube-system")
    assert guard.runtime_classes == ("nvidia", "nvidia-cdi", "nvidia-experimental", "nvidia-legacy")
    offers = "offers: {nvidia.com/mig-2: 2, nvidia.com/mig-1: 4}}"
    shared = rendered(home, gpu=f"required: 1}} => required: 1, {offers}").payload.guard
    assert shared is not None
    assert shared.resources == ("nvidia.com/mig-1", "nvidia.com/mig-2")
    said = "guard: {exempt: [z, a, z], runtime_classes: []}"
    own = rendered(home, guard=f"title: Berlin => {said}").payload.guard
    assert own is not None
    assert (own.exempt, own.runtime_classes) == (("a", "z"), ())
    none = {"gpu": "gpu: {count: 2, required: 1} => gpu: {count: 0}", "needs": ", needs: [gpu] => "}
    assert rendered(home, **none).payload.guard is None


def test_an_uplink_is_in_the_payload_where_one_is_declared(home: Path) -> None:
    """Law: a store without one has the payload that it had before there were any; the token is a name in it."""
    before = rendered(home).payload
    assert before.uplink is None
    assert b"uplink" not in before.encode()
    declared = """  secrets: {up: {namespaces: [vision], keys: {token: {env: UP_TOKEN}}}}
  uplink: {url: "https://upward.example.com/edgectl", secret: up/token, budget: 8MiB}
stores:
"""
    payload = rendered(home, uplink=f"stores:\n => {declared}").payload
    assert payload.uplink == Uplink("https://upward.example.com/edgectl", "up/token", 8 << 20)
    assert decode(payload.encode()) == payload


def test_the_same_inputs_give_the_same_bytes(home: Path, tmp_path: Path) -> None:
    """Twice, in another folder, with comments, with keys in another order: one digest."""
    first = rendered(home).payload.encode()
    assert rendered(home).payload.encode() == first
    shutil.copytree(home, tmp_path / "elsewhere")
    assert rendered(tmp_path / "elsewhere").payload.encode() == first
    assert (
        rendered(home, comment="    title: Berlin => \n    # a comment\n    title:   'Berlin'").payload.encode()
        == first
    )


def test_how_a_node_is_reached_is_no_part_of_what_it_becomes(home: Path) -> None:
    """Another host, port, user or host key sends nothing new."""
    first = rendered(home).payload.digest
    assert rendered(home, port="2222 => 2200").payload.digest == first
    assert rendered(home, host="127.0.0.1 => 192.0.2.7, user: tech").payload.digest == first
    assert rendered(home, key=f"{KEY} => {OTHER_KEY}").payload.digest == first


@pytest.mark.parametrize(
    "change",
    [
        "title: Berlin => title: Hamburg",
        "disable: [traefik] => disable: [servicelb]",
        "failCgroupV1: false => failCgroupV1: true",
        "namespace: gpu-system => namespace: gpu",
        "required: 1 => required: 2",
        "10.77.0.11 => 10.77.0.12",
        "values: {image: edgectl.local/inference:1} => values: {image: edgectl.local/inference:1, more: 1}",
    ],
)
def test_what_a_node_becomes_is_in_the_digest(home: Path, change: str) -> None:
    """Every setting that reaches the store gives another payload."""
    assert rendered(home, change=change).payload.digest != rendered(home).payload.digest


def test_a_chart_s_change_is_a_release_s_change(home: Path) -> None:
    """Chart, values and namespace make a release's digest."""
    before = rendered(home).payload.releases[1].digest
    (home / "vision" / "values.yaml").write_text("a: 1\n")
    assert rendered(home).payload.releases[1].digest != before


def findings(home: Path, **replaced: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        rendered(home, **replaced)
    return [line.removeprefix(f"{home}/inventory.yaml:").replace(str(home), "HOME") for line in said(caught.value)]


def test_all_that_the_bundle_lacks_comes_at_once(home: Path) -> None:
    """Versions, charts, images and the reference, each with its line and what there is instead."""
    found = findings(
        home,
        k3s="v1.36.3+k3s1 => v1.36.4+k3s1",
        helm="version: v4.3.1 => version: v4.4.0",
        chart="./plugin => ./plugins",
        image="inference:1} => inference:2}",
        reference="reference.json => none.json",
    )
    assert found == [
        "4:18  k3s v1.36.4+k3s1 is not in the bundle HOME/bundle (it has v1.36.3+k3s1)",
        "5:19  helm v4.4.0 is not in the bundle HOME/bundle (it has v4.3.1)",
        "8:21  there is no chart folder ./plugins beside the inventory",
        "9:21  image edgectl.local/inference:2 of chart vision is not in the bundle HOME/bundle",
        '10:76  model "tiny" has no reference to prove it by: HOME/none.json: No such file or directory',
    ]


def test_a_kernel_setting_that_is_more_than_its_line_is_refused(home: Path) -> None:
    """Law: sysctl.d has no quotes: a value with a line break would be a second setting. Seeded: no check."""
    found = findings(home, host='  gpu: =>   host: {sysctls: {vm.a: "1\\nkernel.panic = 1", "-vm.b": "1"}}\n  gpu:')
    assert found == [
        "6:26  host.sysctls.vm.a: character U+000A at position 2 has no place in a single line",
        "6:58  '-vm.b' is no kernel setting's name, like fs.inotify.max_user_watches",
    ]


def test_an_image_of_a_configured_registry_is_pulled(home: Path) -> None:
    """A registry's image need not be in the bundle; it is in no node's archives."""
    change = "kubelet: {failCgroupV1: false} => kubelet: {}, registries: {mirrors: {edgectl.local: {endpoint: [x]}}}"
    payload = rendered(home, registry=change, image="inference:1} => inference:2}").payload
    assert not [ref for image in payload.node("node-1").k3s.images for ref in image.refs if "inference" in ref]
    assert "/etc/rancher/k3s/registries.yaml" in [file.path for file in payload.node("node-1").k3s.files]


def test_the_inventory_adds_images_by_name_or_ref(home: Path) -> None:
    """What no chart names (a job that is started by hand) can be put on the node, too."""
    for ref in ("unused", "edgectl.local/unused:1"):
        payload = rendered(home, images=f"  gpu: =>   images: [{ref}]\n  gpu:").payload
        assert "edgectl.local/unused:1" in [ref for image in payload.node("node-1").k3s.images for ref in image.refs]
    assert findings(home, images="  gpu: =>   images: [nothing]\n  gpu:") == [
        "6:12  image nothing is not in the bundle HOME/bundle"
    ]


def test_a_bundle_without_pause_is_refused(home: Path) -> None:
    """Without it no pod starts, and an offline store cannot fetch it."""
    (home / "bundle" / "index.json").unlink()
    Bundle.create(home / "bundle").add(b"k3s", kind="k3s", name="k3s", version="v1.36.3+k3s1")
    assert "2:9  the bundle HOME/bundle has no image rancher/mirrored-pause, which every node needs" in findings(home)


def test_a_missing_bundle_is_named_with_the_line_that_points_to_it(home: Path) -> None:
    """The path is the inventory's matter."""
    (found,) = findings(home, bundle="bundle: bundle => bundle: none")
    assert found.startswith("2:9  bundle: there is no bundle at HOME/none. ")


def test_a_chart_that_does_not_render_is_named_with_its_values(home: Path) -> None:
    """Helm's own sentence, the line of the values, and the evidence below."""

    def fails(asked: Rendering) -> tuple[dict[str, Any], ...]:
        raise RenderFailed("nil pointer", details=("$ helm template",)) if asked.values else RenderFailed("no values")

    store = load(home / "inventory.yaml").store("store-042")
    with pytest.raises(InvalidInput) as caught:
        render(store, bundle_of(store), template=fails)
    assert said(caught.value)[1].endswith(
        "inventory.yaml:9:72  release vision: chart ./vision does not render: nil pointer"
    )
    assert said(caught.value)[2:] == ["  $ helm template"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is no JSON"),
        ("[]", 'needs a "request" with "inputs"'),
        ('{"request": {"inputs": [1]}}', 'needs an "answer"'),
        ('{"request": {"inputs": [1]}, "answer": ["1"]}', 'needs an "answer"'),
        ('{"request": {"inputs": [1]}, "answer": [1], "tolerance": 5}', "between 0 and 1"),
    ],
)
def test_a_reference_that_proves_nothing_is_refused(home: Path, text: str, sentence: str) -> None:
    """No gate passes on nothing: an empty answer would fit every model."""
    (home / "reference.json").write_text(text)
    (found,) = findings(home)
    assert sentence in found


def test_a_damaged_bundle_is_found_before_anything_is_sent(home: Path) -> None:
    """A blob that is cut or gone is named; what is sent is checked by digest all the same."""
    bundle = Bundle.open(home / "bundle")
    k3s, helm = bundle.find(kind="k3s", name="k3s"), bundle.find(kind="helm", name="helm")
    assert k3s is not None
    assert helm is not None
    bundle.path(k3s.digest).write_bytes(b"")
    bundle.path(helm.digest).unlink()
    first, second = findings(home)
    assert first.startswith("2:9  helm helm: HOME/bundle names sha256:")
    assert second.startswith("2:9  k3s k3s: HOME/bundle/blobs/sha256/")
    assert second.endswith(" is damaged: 0 bytes, not 3")
