"""The charts as the Helm of the sandbox renders them (built once, then from the cache)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from edgectl.control.kubeyaml import load_all
from edgectl.control.payload.folders import folders
from edgectl.sandbox.k3s.build import helm_binary
from edgectl.stack.camera import settings as camera
from edgectl.stack.drift import settings as drift
from edgectl.stack.inference import settings as inference
from edgectl.stack.ops import trace
from edgectl.stack.uplink import config as uplink
from edgectl.stack.uplink.hours import Window
from edgectl.wire.document import from_json, to_json
from edgectl.wire.payload import ManagedFolder

T = TypeVar("T")

CHARTS = Path(__file__).parents[2] / "templates" / "charts"
VISION = ("image=edgectl.local/vision:1", "bus.image=edgectl.local/mosquitto:1", "gate.image=edgectl.local/gate:1")
SERVICES = {"camera", "inference", "bus", "uplink", "drift"}
ALL = (*VISION, "sink.enabled=true", "inference.registry=true", "inference.autoscaling.enabled=true")


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
    """Return the objects of a chart by their kind, and by kind and name."""
    done = template(helm, chart, namespace, *sets)
    assert done.returncode == 0, done.stderr
    docs = [doc for doc in yaml.safe_load_all(done.stdout) if doc]
    return {doc["kind"]: doc for doc in docs} | {f"{doc['kind']}/{doc['metadata']['name']}": doc for doc in docs}


def vision(helm: str, *sets: str) -> dict[str, Any]:
    """Return the objects of the vision stack by kind and name."""
    return render(helm, "vision-stack", "vision", *VISION, *sets)


def pods(docs: dict[str, Any]) -> dict[str, Any]:
    """Return the pods' specs by their Deployment's name."""
    return {
        name.partition("/")[2]: doc["spec"]["template"]["spec"]
        for name, doc in docs.items()
        if name.startswith("Deployment/")
    }


@pytest.mark.parametrize(
    ("chart", "namespace", "sets"), [("nvidia-device-plugin", "gpu-system", ()), ("vision-stack", "vision", ALL)]
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
    docs = vision(helm)
    deployment = docs["Deployment/inference"]["spec"]
    pod = deployment["template"]["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    (gate,) = pod["initContainers"]
    assert gate["name"] == "gpu-gate"
    assert "nvidia.com/gpu" not in gate["resources"]["limits"]
    assert gate["volumeMounts"] == [{"name": "gpu-proof", "mountPath": "/run/edgectl/gpu", "readOnly": True}]
    uid = {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
    assert uid in gate["env"]
    assert pod["volumes"][0] == {
        "name": "gpu-proof",
        "hostPath": {"path": "/run/edgectl/gpu", "type": "DirectoryOrCreate"},
    }
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    for name in SERVICES:
        service, labels = docs[f"Service/{name}"], docs[f"Deployment/{name}"]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()


def test_the_vision_stack_takes_folders_of_the_node(helm: str) -> None:
    """Law: they are the service's, beside the gate's own, which none of them can take the place of."""
    one = "inference.extraVolumes[0]"
    sets = (f"{one}.name=m", f"{one}.hostPath=/srv/m", f"{one}.mountPath=/models", f"{one}.readOnly=true")
    pod = pods(vision(helm, *sets))["inference"]
    (container,) = pod["containers"]
    assert {"name": "m", "mountPath": "/models", "readOnly": True} in container["volumeMounts"]
    assert {"name": "m", "hostPath": {"path": "/srv/m", "type": "DirectoryOrCreate"}} in pod["volumes"]


def test_no_container_of_the_vision_stack_can_do_more_than_it_must(helm: str) -> None:
    """Law: no root, no writable root, no capability, no token, the default seccomp profile, bounded memory and /tmp."""
    found = pods(vision(helm, *ALL))
    assert set(found) == SERVICES | {"sink"}
    for pod in found.values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 65532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (pod["automountServiceAccountToken"], pod["terminationGracePeriodSeconds"]) == (False, 10)
        (tmp,) = (volume for volume in pod["volumes"] if volume["name"] == "tmp")
        assert tmp["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Mi"}
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]
        (container,) = pod["containers"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


CHANGES: dict[str, tuple[str, ...]] = {
    "camera": ("camera.cameras.hall.source=synthetic:2", "camera.config.events.mode=all", "camera.env.A=b"),
    "inference": ("inference.env.A=b", "inference.config.max_batch=4", "inference.model=other"),
    "bus": ("bus.limits.queuedMessages=7", "bus.config=listener 1883"),
    "uplink": (
        "uplink.sink.url=https://sink.example/x",
        "uplink.config.store.budget_events=7",
        "uplink.hostPath=/srv/q",
    ),
    "drift": ("drift.config.report_seconds=5", "drift.image=other:1"),
    "sink": ("sink.env.A=b", "sink.size=2Gi"),
}


@pytest.mark.parametrize(("service", "change"), [(name, one) for name, many in CHANGES.items() for one in many])
def test_a_change_restarts_the_pods_that_it_concerns(helm: str, service: str, change: str) -> None:
    """Law: and no other; a model's name alone is the cameras' matter, too. Seeded: one checksum over all."""
    before, after = (
        {
            name: doc["spec"]["template"]
            for name, doc in vision(helm, *ALL, *more).items()
            if name.startswith("Deployment/")
        }
        for more in ((), (change,))
    )
    touched = {name.partition("/")[2] for name in before if before[name] != after[name]}
    assert touched == ({service, "camera"} if change.startswith("inference.model") else {service})


def test_what_services_read_is_what_they_understand(helm: str) -> None:
    """Law: numbers stay numbers, and what is said under `config` lies over what the chart says."""
    data = vision(
        helm,
        "camera.cameras.hall.source=rtsp://$CAM@10.77.0.21/s",
        "camera.cameras.hall.fps=2",
        "camera.config.inference.deadline_ms=250",
        "uplink.config.sink.url=https://elsewhere.example/",
        "bus.port=1884",
    )["ConfigMap/vision"]["data"]
    assert json.loads(data["camera.json"]) == {
        "cameras": {"hall": {"source": "rtsp://$CAM@10.77.0.21/s", "fps": 2}},
        "inference": {"url": "http://inference:8000", "deadline_ms": 250},
        "bus": {"host": "bus", "port": 1884},
    }
    uplink = json.loads(data["uplink.json"])
    assert (uplink["sink"]["url"], uplink["store"]["path"]) == ("https://elsewhere.example/", "/data/uplink.db")
    assert "listener 1884\n" in data["mosquitto.conf"]
    assert "persistence false\n" in data["mosquitto.conf"]


def test_one_value_is_the_clock_of_all_python_services(helm: str) -> None:
    """Law: of each of them, and not of the bus; none without it; what a service's own variables say, stands."""

    def clocks(*sets: str) -> dict[str, str]:
        return {
            name: item["value"]
            for name, spec in pods(vision(helm, "sink.enabled=true", *sets)).items()
            for item in spec["containers"][0].get("env") or ()
            if item["name"] == "EDGECTL_CLOCK"
        }

    assert clocks() == {}
    services = {*SERVICES, "sink"} - {"bus"}
    assert clocks("clock=60@1764277200") == dict.fromkeys(services, "60@1764277200")
    assert clocks("clock=60@1764277200", "drift.env.EDGECTL_CLOCK=1@0")["drift"] == "1@0"


def given(helm: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the objects of the vision stack with these values."""
    needed = {"image": "a:1", "bus": {"image": "a:1"}, "gate": {"image": "a:1"}}
    done = subprocess.run(
        [helm, "template", "vision-stack", str(CHARTS / "vision-stack"), "--namespace", "vision", "--values", "-"],
        input=json.dumps({**needed, **values}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    docs = [doc for doc in yaml.safe_load_all(done.stdout) if doc]
    return {f"{doc['kind']}/{doc['metadata']['name']}": doc for doc in docs}


def told(docs: dict[str, Any], service: str, kind: type[T]) -> T:
    """Return what a service reads, as it reads it."""
    return from_json(kind, json.loads(docs["ConfigMap/vision"]["data"][f"{service}.json"]))


def changed(value: Any) -> Any:
    """Return another value of the same type; of settings, each one of them changed."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 0.5 if isinstance(value, float) else value - 1 if value > 1 else value + 1
        case str():
            return f"{value}x" if value else "/x"
        case tuple():
            return (Window("01:00", "02:00"),)
        case dict():
            return {"hall": changed(camera.Camera("synthetic:1", fps=2))}
    new = {one.name: changed(getattr(value, one.name)) for one in fields(value) if one.name != "source"}
    return replace(value, **new)


def test_what_the_chart_says_by_itself_is_settings_that_services_take(helm: str) -> None:
    """Law: with default values each service decodes what it is given, and finds nothing wrong with it."""
    docs = given(helm, {"inference": {"config": {"max_batch": 8}}})
    assert list(camera.problems(told(docs, "camera", camera.Settings))) == []
    uplink.check(told(docs, "uplink", uplink.Config))
    assert told(docs, "drift", drift.Settings) == drift.Settings()
    assert inference.checked(told(docs, "inference", inference.Settings)) == inference.Settings()
    assert told(docs, "camera", camera.Settings) == camera.Settings()
    assert told(docs, "uplink", uplink.Config) == uplink.Config()


def test_every_setting_of_a_service_has_a_place_in_the_values(helm: str) -> None:
    """Law: each one comes through as it was said, with its type; so chart and services cannot drift apart.

    Seeded faults: a key that the service does not know; one that the chart writes over; a number that becomes a text.
    """
    every = {
        "camera": changed(camera.Settings()),
        "uplink": changed(uplink.Config()),
        "drift": changed(drift.Settings()),
        "inference": changed(inference.Settings()),
    }
    docs = given(helm, {name: {"config": to_json(one)} for name, one in every.items()})
    for name, one in every.items():
        assert told(docs, name, type(one)) == one, name
    sink, cameras = every["uplink"].sink, every["camera"].cameras
    docs = given(helm, {"uplink": {"sink": to_json(sink)}, "camera": {"cameras": to_json(cameras)}})
    assert told(docs, "uplink", uplink.Config).sink == sink
    assert told(docs, "camera", camera.Settings).cameras == cameras


def test_who_is_not_ready_can_be_asked_why(helm: str) -> None:
    """Law: ports of operations are reachable whatever readiness says; of several servers only ready ones are asked."""

    def always(*sets: str) -> set[str]:
        docs = vision(helm, "sink.enabled=true", *sets).items()
        services = [doc for name, doc in docs if name.startswith("Service/")]
        return {doc["metadata"]["name"] for doc in services if doc["spec"].get("publishNotReadyAddresses")}

    assert always() == {"camera", "inference", "uplink", "drift"}
    assert always("inference.autoscaling.enabled=true") == {"camera", "uplink", "drift"}


def test_a_collector_is_one_value(helm: str) -> None:
    """Law: all Python services trace to it, each by its name, a service's own env goes first, and the way is open."""
    otel = {"endpoint": "http://c.watch.svc:4318", "ratio": 0.05}
    own = {"drift": {"env": {"A": "b"}}, "uplink": {"env": {"OTEL_TRACES_SAMPLER_ARG": "1"}}}
    docs = given(helm, {"sink": {"enabled": True}, "otel": otel, **own})
    found = {
        name: {one["name"]: one["value"] for one in pod["containers"][0].get("env", ())}
        for name, pod in pods(docs).items()
    }
    assert found.pop("bus") == {}
    for name, env in found.items():
        assert env.pop("A", "b") == "b"
        share = "1" if name == "uplink" else "0.05"
        assert env == {
            trace.ENDPOINTS[0]: "http://c.watch.svc:4318",
            trace.SERVICE: name,
            trace.RATIO: share,
        }
    assert set(found) == (SERVICES | {"sink"}) - {"bus"}
    opened = docs["NetworkPolicy/vision"]["spec"]["egress"][1]["to"][0]["namespaceSelector"]["matchLabels"]
    assert opened == {"kubernetes.io/metadata.name": "watch"}
    assert all("env" not in pod["containers"][0] for pod in pods(vision(helm)).values())
    outside = vision(helm, "otel.endpoint=https://otel.example.com")["NetworkPolicy/vision"]["spec"]["egress"]
    assert len(outside) == 1


def test_an_image_of_ones_own_takes_a_services_place(helm: str) -> None:
    """Law: by values alone: image, command, arguments (none, too), environment, secrets, what is asked of it."""
    own = (
        "camera.image=my/camera:7",
        "camera.command={/camera}",
        "camera.args=null",
        "camera.env.A=b",
        "camera.envFromSecrets={cameras}",
        "camera.secrets={tls}",
        "camera.probe.tcpSocket.port=ops",
        "uplink.enabled=false",
    )
    docs = vision(helm, *own)
    (container,) = pods(docs)["camera"]["containers"]
    assert (container["image"], container["command"]) == ("my/camera:7", ["/camera"])
    assert container["args"][:2] == ["-m", "edgectl.stack.camera"]
    assert container["env"] == [{"name": "A", "value": "b"}]
    assert container["envFrom"] == [{"secretRef": {"name": "cameras"}}]
    assert {"name": "secret-tls", "mountPath": "/run/secrets/tls", "readOnly": True} in container["volumeMounts"]
    assert container["readinessProbe"]["tcpSocket"] == {"port": "ops"}
    assert "httpGet" not in container["readinessProbe"]
    assert not {name for name in docs if name.endswith("/uplink")}
    done = subprocess.run(
        [helm, "template", "v", str(CHARTS / "vision-stack"), "--values", "-"],
        input=json.dumps({"image": "a:1", "bus": {"image": "a:1"}, "gate": {"image": "a:1"}, "camera": {"args": []}}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (camera,) = (
        doc
        for doc in yaml.safe_load_all(done.stdout)
        if doc and (doc["kind"], doc["metadata"]["name"]) == ("Deployment", "camera")
    )
    assert camera["spec"]["template"]["spec"]["containers"][0]["args"] == []


def test_triton_stands_behind_the_same_service(helm: str) -> None:
    """Law: another server is a value: its arguments, its metrics; the gate, the GPU and the Service are the same."""
    ours, theirs = (vision(helm, *sets) for sets in ((), ("inference.server=triton", "inference.image=nv/triton:1")))
    assert ours["Service/inference"] == theirs["Service/inference"]
    old, new = (pods(docs)["inference"] for docs in (ours, theirs))
    assert old["initContainers"] == new["initContainers"]
    (container,) = new["containers"]
    assert container["args"][:2] == ["tritonserver", "--http-port=8000"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"http": 8000, "ops": 8002}
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"


def test_only_what_can_have_several_pods_has_a_budget_for_them(helm: str) -> None:
    """Law: inference, where it is scaled; then its Deployment leaves the number open."""
    assert not {"PodDisruptionBudget", "HorizontalPodAutoscaler"} & set(vision(helm))
    docs = vision(helm, "inference.autoscaling.enabled=true", "inference.autoscaling.maxReplicas=3")
    assert "replicas" not in docs["Deployment/inference"]["spec"]
    assert docs["HorizontalPodAutoscaler/inference"]["spec"]["maxReplicas"] == 3
    assert [name for name in docs if name.startswith("PodDisruptionBudget/")] == ["PodDisruptionBudget/inference"]


def test_nothing_goes_in_or_out_but_the_ways_that_are_needed(helm: str) -> None:
    """Law: denied by default, for all pods of the release; then the drawn ways, and no more."""
    docs = vision(helm, "sink.enabled=true", "networkPolicy.cameras={10.77.0.0/24}", "networkPolicy.sink={10.9.0.0/16}")
    base = docs["NetworkPolicy/vision"]["spec"]
    assert base["podSelector"]["matchLabels"] == {"app.kubernetes.io/instance": "vision-stack"}
    assert (base["policyTypes"], base.get("ingress")) == (["Ingress", "Egress"], None)
    (names,) = base["egress"]
    assert {port["port"] for port in names["ports"]} == {53}

    def ends(service: str, way: str) -> set[str]:
        found = set()
        for rule in docs[f"NetworkPolicy/{service}"]["spec"].get("ingress" if way == "from" else "egress", ()):
            ports = ",".join(str(port["port"]) for port in rule.get("ports", ()))
            for peer in rule[way]:
                who = (
                    peer.get("ipBlock", {}).get("cidr") or peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
                )
                found.add(f"{who}:{ports}")
        return found

    assert ends("camera", "to") == {"inference:8000", "bus:1883", "10.77.0.0/24:"}
    assert ends("inference", "from") == {"camera:8000"}
    assert ends("bus", "from") == {"camera:1883", "uplink:1883", "drift:1883"}
    assert ends("uplink", "to") == {"bus:1883", "sink:8080", "10.9.0.0/16:8080"}
    assert ends("drift", "to") == {"bus:1883"}
    assert ends("sink", "from") == {"uplink:8080"}
    assert [ends(name, "to") for name in ("inference", "bus", "sink")] == [set()] * 3
    assert [ends(name, "from") for name in ("camera", "uplink", "drift")] == [set()] * 3
    secure = vision(helm, "uplink.sink.url=https://sink.example/x", "networkPolicy.sink={10.9.0.0/16}")
    assert secure["NetworkPolicy/uplink"]["spec"]["egress"][-1]["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert not [name for name in vision(helm, "networkPolicy.enabled=false") if name.startswith("NetworkPolicy")]


def test_the_queue_is_the_pods_own_and_stays_on_the_server(helm: str) -> None:
    """Law: what must survive lies in folders that the node's engine gives to the pod's user. Seeded: no annotation."""
    docs = vision(helm)
    manifests = [doc for name, doc in docs.items() if "/" in name]
    assert folders(manifests, "server") == (
        ManagedFolder("/var/lib/edgectl-vision/drift", 65532),
        ManagedFolder("/var/lib/edgectl-vision/uplink", 65532),
    )
    assert folders(manifests, "agent") == ()
    for name in ("bus", "uplink", "drift"):
        assert pods(docs)[name]["nodeSelector"] == {"node-role.kubernetes.io/control-plane": "true"}


@pytest.mark.parametrize(
    ("sets", "field"),
    [
        ((), "/bus/image"),
        (VISION[1:], "image is needed, or image for all Python services"),
        ((*VISION, "camera.cameras.hall.fps=2"), "/camera/cameras/hall"),
        ((*VISION, "camera.cameras.hall.source=http://a"), "/camera/cameras/hall/source"),
        ((*VISION, "uplink.sink.url=ftp://a"), "/uplink/sink/url"),
        ((*VISION, "uplink.hostPath=/etc/x"), "/uplink/hostPath"),
        ((*VISION, "inference.server=other"), "/inference/server"),
        ((*VISION, "inference.image=a:latest"), "/inference/image"),
        ((*VISION, "gpuss.count=1"), "gpuss"),
        (
            (
                *VISION,
                "inference.extraVolumes[0].name=gpu-proof",
                "inference.extraVolumes[0].hostPath=/a",
                "inference.extraVolumes[0].mountPath=/b",
            ),
            "/inference/extraVolumes/0/name",
        ),
        ((*VISION, "gpu.count=0"), "/gpu/count"),
        ((*VISION, "inference.port=80"), "/inference/port"),
        ((*VISION, "clock=fast"), "/clock"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(helm: str, sets: tuple[str, ...], field: str) -> None:
    """Law: a wrong value never reaches a store; Helm says which one it is."""
    done = template(helm, "vision-stack", "vision", *sets)
    assert done.returncode != 0
    assert field in done.stderr
