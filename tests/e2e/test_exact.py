"""Every text of the corpus through the real Helm, on the operator's way and on the node's, back to the byte.

Three starts carry all that the inventory accepts. What it refuses is shown to be lost, each text by itself.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.blockyaml import dump
from edgectl.control.bundle.chart import Chart, pack
from edgectl.control.bundle.helm import Helm, RenderFailed, Rendering
from edgectl.control.bundle.layout import Bundle
from edgectl.control.inventory.load import load
from edgectl.control.inventory.text import refused, refused_key, refused_number
from edgectl.control.kubeyaml import load_all
from edgectl.control.payload.render import render
from edgectl.node.charts.release import Release
from edgectl.node.converge.protocol import Observation, Status
from edgectl.sandbox.k3s.build import helm_binary
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Release as Declared
from tests.strings import CARRIED, REFUSED
from tests.unit.node.fake import FakeNode, ran

CHART = Path(__file__).parents[1] / "cases" / "charts" / "exact"
KEYS = {text: str(number) for number, text in enumerate(CARRIED.values()) if not refused_key(text)}
VALUES = {"texts": {f"t{number}": text for number, text in enumerate(CARRIED.values())}, "keys": KEYS}

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return pack(CHART)


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Helm:
    """Return the sandbox's Helm with no rendering kept."""
    binary = helm_binary()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Helm(binary=binary, digest=digest_of(b"this one"))


def asked(chart: Chart, values: dict[str, Any]) -> Rendering:
    return Rendering(release="r", namespace="n", chart=chart, values=values, kube_version="v1.36.3+k3s1")


def check(objects: tuple[dict[str, Any], ...]) -> None:
    """Compare every text and key with what was sent."""
    found = {doc["metadata"]["name"]: doc["data"] for doc in objects if doc["kind"] == "ConfigMap"}
    assert set(found) == set(VALUES["texts"])
    wrong = []
    for name, text in VALUES["texts"].items():
        data = found[name]
        have = {
            "bytes": base64.b64decode(data["bytes"]).decode(),
            "quoted": data["quoted"],
            "yaml": data["yaml"]["it"],
            "twice": base64.b64decode(data["twice"]).decode(),
        }
        wrong += [(form, text[:80], str(it)[:80]) for form, it in have.items() if it != text]
    (keys,) = (doc for doc in objects if doc["kind"] == "Keys")
    wrong += [("key", key[:80], "") for key, number in KEYS.items() if keys["keys"].get(key) != number]
    wrong += [("key", key[:80], "") for key, number in KEYS.items() if keys["bytes"][number] != encoded(key)]
    assert not wrong


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_every_text_passes_helm_as_the_operator_runs_it(helm: Helm, chart: Chart) -> None:
    """Law: values.json carries each text and key to the byte. Seeded: canonical() without its escapes."""
    check(helm.template(asked(chart, VALUES)))


def test_every_text_passes_helm_as_the_node_runs_it(helm: Helm, chart: Chart, tmp_path: Path) -> None:
    """Law: what the node's step gives to Helm carries each text to the byte. Seeded: json.dumps, halves of emoji."""
    check(printed(helm, chart, stdin=sent_by_the_node(tmp_path, VALUES)))


def sent_by_the_node(folder: Path, values: dict[str, Any]) -> bytes:
    """Return the standard input of `helm upgrade`, after the payload has crossed the wire."""
    node = FakeNode(folder)
    node.on_change = lambda *argv: ran("Happy Helming!", argv=argv)
    crossed = json.loads(canonical(values))
    declared = Declared("r", "n", "sha256:" + "c" * 64, crossed, "sha256:" + "d" * 64, ())
    Release(declared, needs=()).apply(node, Observation(Status.DRIFTED, "not installed"))
    return node.stdin


def printed(helm: Helm, chart: Chart, *, stdin: bytes) -> tuple[dict[str, Any], ...]:
    command = [str(helm.binary), "template", "r", str(chart.path), "--namespace", "n", "--values", "-"]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:].decode()
    return tuple(doc for doc in load_all(done.stdout.decode()) if doc)


ALONE = ("line separator", "paragraph separator", "line separator before newline")  # lost only beside a line's start
PASSES = ("nul", "nul within")  # through Helm, but into no argument, variable or path


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in (*ALONE, *PASSES)])
def test_what_is_refused_is_lost_on_the_way(helm: Helm, chart: Chart, name: str) -> None:
    """Law: nothing is refused without need: the text is lost by Helm's own toYaml, or cannot be written at all."""
    text = REFUSED[name]
    assert refused(text)
    try:
        objects = helm.template(asked(chart, {"texts": {"it": text}}))
    except (RenderFailed, UnicodeEncodeError):
        return
    (data,) = (doc["data"] for doc in objects if doc["kind"] == "ConfigMap")
    assert data["quoted"] == text  # it did reach Helm: what is lost is lost by the functions that charts use
    assert (data["yaml"] or {}).get("it") != text or data["twice"] != encoded(text)


def test_numbers_reach_helm_or_are_refused(helm: Helm, chart: Chart) -> None:
    """Law: a number that is not refused is the same number behind Helm; integers beyond 2^53 are not."""
    kept = [0, -1, 1 << 53, -(1 << 53), 1e22, 1e-7, 5e-324, 1.7976931348623157e308, 0.1]
    lost = [(1 << 53) + 1, 10**18 + 1, (1 << 64) + 1]
    assert not any(map(refused_number, kept))
    assert all(map(refused_number, lost))
    (doc,) = (doc for doc in helm.template(asked(chart, {"numbers": [*kept, *lost]})) if doc["kind"] == "Numbers")
    assert doc["numbers"][: len(kept)] == kept
    assert all(have != sent for have, sent in zip(doc["numbers"][len(kept) :], lost, strict=True))


def test_the_go_reader_reads_what_is_written_for_k3s(helm: Helm, chart: Chart) -> None:
    """Law: block YAML of ours gives Go's YAML, which k3s and the kubelet read with, each text and key to the byte.

    Seeded: `no` and `1e3` left bare, U+0085 not escaped.
    """
    check(printed(helm, chart, stdin=dump(VALUES).encode()))
    numbers = [0, -1, 1 << 53, 1e22, 1e-7, 5e-324, 0.1, -1.5]
    objects = printed(helm, chart, stdin=dump({"numbers": numbers, "keys": {"k" * 5000: "1"}}).encode())
    assert next(doc for doc in objects if doc["kind"] == "Numbers")["numbers"] == numbers
    assert next(doc for doc in objects if doc["kind"] == "Keys")["bytes"]["1"] == encoded("k" * 5000)


def test_a_key_that_is_too_long_is_refused_and_would_not_pass(helm: Helm, chart: Chart) -> None:
    """Law: the limit is YAML's, as Helm reads its values."""
    assert not refused_key("k" * 998)
    helm.template(asked(chart, {"keys": {"k" * 998: "1"}}))
    assert refused_key("k" * 1100)
    with pytest.raises(RenderFailed, match="cannot unmarshal yaml"):
        helm.template(asked(chart, {"keys": {"k" * 1100: "1"}}))


INVENTORY = """version: 1
bundle: bundle
defaults:
  k3s: {version: v1.36.3+k3s1}
  helm: {version: v4.3.1}
stores:
  store-042:
    nodes: {node-1: {address: 10.77.0.11, host_key: KEY}}
    releases:
      exact:
        chart: ./exact
        namespace: exact
        values:
          VALUES
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("replicas: 0", "at '/replicas': minimum: got 0, want 1"),
        ("replicas: one", "at '/replicas': got string, want integer"),
        ("replica: 1", "at '': additional properties 'replica' not allowed"),
        ("texts: {a: 1}", "at '/texts/a': got number, want string"),
    ],
)
def test_values_that_break_the_chart_s_schema_are_named_with_their_line(
    helm: Helm, tmp_path: Path, values: str, said: str
) -> None:
    """Law: Helm checks values.schema.json before anything is sent, and the error names the inventory's line."""
    shutil.copytree(CHART, tmp_path / "exact")
    (tmp_path / "inventory.yaml").write_text(INVENTORY.replace("KEY", KEY).replace("VALUES", values))
    bundle = Bundle.create(tmp_path / "bundle")
    bundle.add(b"k3s", kind="k3s", name="k3s", version="v1.36.3+k3s1")
    bundle.add(b"helm", kind="helm", name="helm", version="v4.3.1")
    for image in ("mirrored-pause:3.6", "mirrored-coredns-coredns:1.12.0"):
        bundle.add(image.encode(), kind="image", name=image, version="1", refs=(f"docker.io/rancher/{image}",))
    store = load(tmp_path / "inventory.yaml").store("store-042")
    with pytest.raises(InvalidInput) as caught:
        render(store, bundle, template=helm.template)
    where = f"{tmp_path}/inventory.yaml:14:11  "
    (line,) = (line for line in caught.value.details if line.startswith(where))
    assert "release exact: chart ./exact does not render: values don't meet the specifications of the schema" in line
    assert said in line
