"""The charts as the Helm of the sandbox renders them (built once, then from the cache)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.control.kubeyaml import load_all
from edgectl.sandbox.k3s.build import helm_binary

CHARTS = Path(__file__).parents[2] / "templates" / "charts"
VISION = ("inference.image=edgectl.local/inference:1", "gate.image=edgectl.local/gate:1")


pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def helm() -> str:
    return str(helm_binary())


def template(helm: str, chart: str, namespace: str, *sets: str) -> subprocess.CompletedProcess[str]:
    words = [word for text in sets for word in ("--set", text)]
    return subprocess.run(
        [helm, "template", chart, str(CHARTS / chart), "--namespace", namespace, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def render(helm: str, chart: str, namespace: str, *sets: str) -> dict[str, Any]:
    """Return the objects of a chart by their kind."""
    done = template(helm, chart, namespace, *sets)
    assert done.returncode == 0, done.stderr
    return {doc["kind"]: doc for doc in yaml.safe_load_all(done.stdout) if doc}


@pytest.mark.parametrize(
    ("chart", "namespace", "sets"), [("nvidia-device-plugin", "gpu-system", ()), ("vision-stack", "vision", VISION)]
)
def test_objects_bear_their_owner_and_rendering_is_stable(
    helm: str, chart: str, namespace: str, sets: tuple[str, ...]
) -> None:
    """Law: twice the same text; every object has Helm's label, a namespace, and the recommended labels."""
    assert template(helm, chart, namespace, *sets).stdout == template(helm, chart, namespace, *sets).stdout
    for kind, doc in render(helm, chart, namespace, *sets).items():
        labels = doc["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm", kind
        assert {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/part-of"} <= set(labels)
        assert doc["metadata"]["namespace"] == namespace


def test_the_plugin_runs_where_the_gpus_are(helm: str) -> None:
    """Law: NVIDIA's image by default, on labelled nodes, in the nvidia runtime, above ordinary pods."""
    spec = render(helm, "nvidia-device-plugin", "gpu-system")["DaemonSet"]["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"
    assert spec["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert spec["runtimeClassName"] == "nvidia"
    assert spec["priorityClassName"] == "system-node-critical"
    assert spec["volumes"][0]["hostPath"]["path"] == "/var/lib/kubelet/device-plugins"


def test_the_plugin_takes_arguments_environment_and_volumes(helm: str) -> None:
    """Law: another image with other needs fits the same chart."""
    spec = render(
        helm,
        "nvidia-device-plugin",
        "gpu-system",
        "image=edgectl.local/gpu-plugin:1",
        "args={--count=2}",
        "env.A=b",
        "extraVolumes[0].name=control,extraVolumes[0].hostPath=/etc/x,extraVolumes[0].mountPath=/etc/y",
    )["DaemonSet"]["spec"]["template"]["spec"]
    container = spec["containers"][0]
    assert container["args"] == ["--count=2"]
    assert container["env"] == [{"name": "A", "value": "b"}]
    assert {"name": "control", "mountPath": "/etc/y"} in container["volumeMounts"]
    assert {"name": "control", "hostPath": {"path": "/etc/x", "type": "DirectoryOrCreate"}} in spec["volumes"]


def test_values_that_look_like_something_else_stay_texts(helm: str) -> None:
    """Law: names, paths and words of the inventory reach the objects to the byte. Seeded: a bare `{{ $name }}`."""
    words = [helm, "template", "012", str(CHARTS / "nvidia-device-plugin"), "--namespace", "1e3", "--values", "-"]
    values = {
        "env": {"no": "1e3", "Y": "a: b # c"},
        "kubeletPluginsPath": "/a #b: {{ .Values }}",
        "extraVolumes": [{"name": "012", "hostPath": '/a "b" # c', "mountPath": "/c: d"}],
        "runtimeClassName": "0x1f",
        "terminationGracePeriodSeconds": 1_000_000,
    }
    done = subprocess.run(
        words, input=json.dumps(values), capture_output=True, text=True, timeout=60, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    (doc,) = (doc for doc in load_all(done.stdout) if doc and doc["kind"] == "DaemonSet")
    spec = doc["spec"]["template"]["spec"]
    assert (doc["metadata"]["name"], doc["metadata"]["namespace"]) == ("012", "1e3")
    assert doc["metadata"]["labels"]["app.kubernetes.io/instance"] == "012"
    assert spec["containers"][0]["env"] == [{"name": "Y", "value": "a: b # c"}, {"name": "no", "value": "1e3"}]
    assert (spec["runtimeClassName"], spec["terminationGracePeriodSeconds"]) == ("0x1f", 1_000_000)
    assert {"name": "012", "mountPath": "/c: d"} in spec["containers"][0]["volumeMounts"]
    assert [volume["hostPath"]["path"] for volume in spec["volumes"]] == ["/a #b: {{ .Values }}", '/a "b" # c']


def test_inference_waits_for_the_gpu_and_surges_never(helm: str) -> None:
    """Law: the gate comes first, asks for no GPU, sees the marker read-only; the old pod goes before the new one."""
    docs = render(helm, "vision-stack", "vision", *VISION)
    deployment, pod = docs["Deployment"]["spec"], docs["Deployment"]["spec"]["template"]["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    (gate,) = pod["initContainers"]
    assert gate["name"] == "gpu-gate"
    assert "nvidia.com/gpu" not in gate["resources"]["limits"]
    assert gate["volumeMounts"] == [{"name": "gpu-proof", "mountPath": "/run/edgectl/gpu", "readOnly": True}]
    assert pod["volumes"] == [
        {"name": "gpu-proof", "hostPath": {"path": "/run/edgectl/gpu", "type": "DirectoryOrCreate"}}
    ]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert docs["Service"]["metadata"]["name"] == "inference"
    assert docs["Service"]["spec"]["selector"].items() <= deployment["template"]["metadata"]["labels"].items()


def test_inference_takes_folders_of_the_node(helm: str) -> None:
    """Law: the service alone sees them, never the gate."""
    place = "inference.extraVolumes[0]"
    sets = f"{place}.name=starts,{place}.hostPath=/run/x,{place}.mountPath=/run/y"
    pod = render(helm, "vision-stack", "vision", *VISION, sets)["Deployment"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "starts", "mountPath": "/run/y"}]
    assert pod["volumes"][1:] == [{"name": "starts", "hostPath": {"path": "/run/x", "type": "DirectoryOrCreate"}}]
    assert [mount["name"] for mount in pod["initContainers"][0]["volumeMounts"]] == ["gpu-proof"]


def test_no_container_of_the_vision_stack_can_do_more_than_it_must(helm: str) -> None:
    """Law: no root, no writable root, no capability, the default seccomp profile, a memory limit."""
    pod = render(helm, "vision-stack", "vision", *VISION)["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize(
    ("sets", "field"),
    [
        ((), "/inference/image"),
        ((*VISION, "inference.image=a:latest"), "/inference/image"),
        ((*VISION, "gpuss.count=1"), "gpuss"),
        ((*VISION, "gpu.count=0"), "/gpu/count"),
        ((*VISION, "inference.port=80"), "/inference/port"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(helm: str, sets: tuple[str, ...], field: str) -> None:
    """Law: a wrong value never reaches a store; Helm says which one it is."""
    done = template(helm, "vision-stack", "vision", *sets)
    assert done.returncode != 0
    assert field in done.stderr
