"""What k3s's answers say: what a real one has said holds, and each thing that differs is found."""

from __future__ import annotations

import json

import pytest

from edgectl.node.lab import said
from edgectl.node.lab.contract import relied
from edgectl.node.lab.row import Row
from edgectl.node.lab.running import ROWS
from tests.unit.node.fake import FakeNode, ran

VERSION = "k3s version v1.36.3+k3s1 (109e76381ed8)\ngo version go1.26.4\n"
ARGS = {
    "args": ["server", "--disable", "traefik,servicelb", "--node-label", "a=b", "--token", "********"],
    "hash": "XYZ====",
    "labels": {"a": "b", "node-role.kubernetes.io/control-plane": "true", "node.kubernetes.io/instance-type": "k3s"},
    "secret": False,
}
NAMES = "coredns.yaml\nruntimes.yaml\nrolebindings.yaml\n"
KUBELET = (
    "00-k3s-defaults.conf\n50-edgectl.conf\n---\nkind: KubeletConfiguration\nmaxPods: 77\nfailCgroupV1: false\n---\n"
)
CONFIGZ = json.dumps({"kubeletconfig": {"maxPods": 77, "failCgroupV1": False}})
PAUSE = "docker.io/rancher/mirrored-pause:3.6"


def args(**more: object) -> str:
    return json.dumps({**ARGS, **more})


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("version", VERSION),
        ("credentials", '2\n1\n1\n600\n{"groups": ["system:masters"]}'),
        ("server-token", "of this authority\n600\nthe same\n"),
        ("kubeconfig", "640\n    server: https://127.0.0.1:6443\nwrite-kubeconfig-mode: '0640'\n"),
        ("kubeconfig", "600\n    server: https://127.0.0.1:6443\n"),
        ("client-certificate", "401\n200\n"),
        ("unpacked", "/var/lib/rancher/k3s/data/current/bin/containerd-shim-runc-v2\na socket\n"),
        ("kubelet-version", f'{VERSION}v1.36.3+k3s1\n{{"gitVersion": "v1.36.3+k3s1"}}'),
        ("node-args", args()),
        ("kubelet-drop-ins", KUBELET + CONFIGZ),
        ("runtime-class", "nvidia"),
        ("disable", f"{NAMES}---\n{args()}"),
        ("coredns", "1"),
        ("images-at-start", PAUSE),
        ("images-pinned", f"REF LABELS\n{PAUSE} x io.cri-containerd.pinned=pinned\n"),
    ],
)
def test_what_holds(row: str, text: str) -> None:
    """Law: a k3s that does as edgectl relies on holds every row."""
    judge = next(one.judge for one in ROWS if one.id == row)
    assert judge is not None
    assert judge(text) == ""


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (said.version("k3s version v1.36.3 (x)\ngo version go1"), "it says"),
        (said.version("k3s version v1.36.3+k3s1 (x)\n"), "it says"),
        (said.credentials("2\n0\n1\n600\nsystem:masters"), "no PEM"),
        (said.credentials("2\n1\n1\n644\nsystem:masters"), "mode 644"),
        (said.credentials("2\n1\n1\n600\n{}"), "administrator"),
        (said.server_token("of another form\n600\nthe same"), "another form"),
        (said.server_token("of this authority\n644\nthe same"), "644"),
        (said.server_token("of this authority\n600\n"), "another one"),
        (said.kubeconfig("644\nserver: https://127.0.0.1:6443\nwrite-kubeconfig-mode: 0640"), "640 is asked"),
        (said.kubeconfig("600\nserver: https://10.0.0.1:6443\n"), "another server"),
        (said.client_certificate("200\n200"), "200 and 200"),
        (said.unpacked("a socket"), "no shim"),
        (said.unpacked("/x/containerd-shim-runc-v2\n"), "no socket"),
        (said.kubelet_version(f'{VERSION}v1.36.2+k3s1\n{{"gitVersion": "v1.36.3+k3s1"}}'), "v1.36.2"),
        (said.node_args(args(args=["agent"])), "begin with server"),
        (said.node_args(args(args=["server", "--token", "abc"])), "a secret"),
        (said.node_args(args(secret=True)), "a secret"),
        (said.node_args(args(labels={})), "a=b"),
        (said.node_args(args(hash="")), "no hash"),
        (said.kubelet_drop_ins(KUBELET + CONFIGZ.replace("77", "110")), "maxPods is 110"),
        (said.kubelet_drop_ins(KUBELET), "does not say"),
        (said.runtime_class(""), "its handler"),
        (said.disabled(f"{NAMES}traefik.yaml\n---\n{args()}"), "traefik is disabled"),
        (said.disabled(f"---\n{args()}"), "own manifests"),
        (said.coredns("0"), "none"),
        (said.images_at_start("docker.io/library/busybox"), "not there"),
        (said.images_pinned(f"{PAUSE} x -\n"), "not pinned"),
        (said.images_pinned("REF LABELS\n"), "not there"),
    ],
)
def test_what_differs(wrong: str, says: str) -> None:
    """Law: each difference is found and said."""
    assert says in wrong


@pytest.mark.parametrize("row", ROWS, ids=lambda one: one.id)
def test_silence_holds_nothing(row: Row) -> None:
    """Law: no row passes on an empty answer."""
    assert row.judge("")


def test_a_row_that_cannot_be_asked_does_not_hold(node: FakeNode) -> None:
    """Law: every row has a script, and one that fails is no row that holds."""
    assert all(row.script for row in ROWS)
    node.on_run = lambda *_: ran("", code=1, err="boom")
    found = relied(node)
    assert {one.id for one in found if one.wrong} == {row.id for row in ROWS}
    assert all("boom" in one.wrong for one in found if one.wrong)
