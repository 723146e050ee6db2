"""Faults of GPUs, models and the vision stack, and of what the stack needs beyond it."""

from __future__ import annotations

from edgectl.sandbox.gpu.knobs import uuid
from tests.doctor import stack_deeds as deeds
from tests.doctor.fault import Fault, Truth
from tests.doctor.hands import (
    as_declared,
    deployed,
    gone,
    holds,
    kubectl,
    link_of,
    patched,
    pods,
    reason,
    scaled,
    shell,
)

_MODEL = "$(readlink -f /var/lib/edgectl/models/tiny-detector/current)/model.onnx"
_GPU = ("GPU 0", uuid(0), "GPU-5a9dbc01", "0000:01:00", "1 GPU", "0 of 1")
_ON_A_GPU = ("gpu-plugin", "gpu-proof", "inference", "releases", "models", "camera")

GPU_LOST = Fault(
    name="gpu-off-the-bus",
    truth=Truth(("gpu",), (_GPU, ("79", "fallen off", "does not list", "lost"))),
    seed=deeds.lose,
    undo=deeds.clear,
    seen=holds("! nvidia-smi -L | grep -q UUID && dmesg | grep -q 'Xid.*79'"),
    follows=(*_ON_A_GPU, "gpu-driver"),
)
UVM_MISSING = Fault(
    name="nvidia-uvm-missing",
    truth=Truth(("gpu-driver",), (("nvidia-uvm",),)),
    seed=deeds.unload_uvm,
    undo=deeds.load_uvm,
    seen=holds("! [ -e /dev/nvidia-uvm ]"),
    follows=("gpu", *_ON_A_GPU),
)
PLUGIN_CRASHES = Fault(
    name="device-plugin-crashes",
    truth=Truth(("gpu-plugin",), (("plugin",),)),
    seed=deeds.crash_plugin,
    undo=deeds.mend_plugin,
    seen=holds("k3s kubectl get pods -n gpu-system | grep -Eq 'CrashLoop|Error|StartError|RunContainerError'"),
    follows=("gpu", *_ON_A_GPU),
    within=60,
)
GPU_COMPUTES_WRONGLY = Fault(
    name="gpu-computes-wrongly",
    truth=Truth(("gpu-proof", "gpu"), (_GPU, ("wrong", "compute", "smoke", "proven", "proof", "sum"))),
    seed=deeds.wrong,
    undo=deeds.compute_rightly,
    seen=holds("grep -q 'wrong\\|computed' /run/edgectl/gpu/proof.json && ! [ -e /run/edgectl/gpu/ready ]"),
    follows=("gpu", *_ON_A_GPU),
    within=60,
)
MODEL_CORRUPT = Fault(
    name="model-corrupt",
    truth=Truth(("models",), (("tiny-detector", "model.onnx"),)),
    # Files of the registry are the blobs themselves, by hard links: the good one is kept by one more
    seed=shell(
        f"f={_MODEL}; mkdir -p /root/exam; ln -f $f /root/exam/model.onnx; "
        "cp $f $f.exam; printf XXXX >> $f.exam; mv $f.exam $f"
    ),
    undo=shell(f"f={_MODEL}; ln -f /root/exam/model.onnx $f.exam; mv $f.exam $f"),
    seen=holds(f"! cmp -s {_MODEL} /root/exam/model.onnx"),
    follows=("inference",),
)
IMAGE_MISSING = Fault(
    name="image-missing",
    truth=Truth(
        ("images",),
        (
            ("image", "mosquitto"),
            ("missing", "gone", "not there", "lacks", "not in", "no longer", "0 of", "5 of 6", "mosquitto"),
        ),
    ),
    seed=shell("for i in $(k3s ctr -n k8s.io images ls -q | grep mosquitto); do k3s ctr -n k8s.io images rm $i; done"),
    undo=deeds.heal,
    seen=holds('l=$(k3s ctr -n k8s.io images ls -q) && echo "$l" | grep -q vision && ! echo "$l" | grep -q mosquitto'),
    follows=("bus", "releases"),
)
INFERENCE_OOM = Fault(
    name="inference-out-of-memory",
    truth=Truth(("inference",), (("OOM", "memory", "137"),)),
    seed=patched(
        "deployment",
        "inference",
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "inference",
                                "resources": {"limits": {"memory": "24Mi"}, "requests": {"memory": "20Mi"}},
                            }
                        ]
                    }
                }
            }
        },
    ),
    undo=patched(
        "deployment",
        "inference",
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "inference",
                                "resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "192Mi"}},
                            }
                        ]
                    }
                }
            }
        },
    ),
    seen=lambda ground: "OOMKilled" in str(pods(ground, "inference")),
    follows=("releases", "models", "camera", "memory"),
    within=60,
)
BUS_DOWN = Fault(
    name="bus-down",
    truth=Truth(("bus",), (("bus", "mosquitto"),)),
    seed=scaled("bus", 0),
    undo=scaled("bus", 1),
    seen=gone(f"{deeds.NAME}=bus"),
    follows=("releases", "camera", "uplink", "sink", "inference"),
)
UPLINK_DOWN = Fault(
    name="uplink-down",
    truth=Truth(("uplink",), (("uplink",),)),
    seed=scaled("uplink", 0),
    undo=scaled("uplink", 1),
    seen=gone(f"{deeds.NAME}=uplink"),
    follows=("releases", "sink"),
)
DNS_DOWN = Fault(
    name="dns-down",
    truth=Truth(("dns",), (("dns", "name"),)),
    seed=scaled("coredns", 0, "kube-system"),
    undo=scaled("coredns", 1, "kube-system"),
    seen=gone("k8s-app=kube-dns", "kube-system"),
    follows=("inference", "camera", "bus", "uplink", "sink", "network"),
)
CAMERA_SILENT = Fault(
    name="camera-silent",
    truth=Truth(("camera",), (("aisle",),)),
    seed=deployed(deeds.aisle),
    undo=as_declared,
    seen=reason(link_of("camera", "camera:aisle"), "10.77.0.77", "route", "answer", "frame", "refused", "No "),
    within=45,
)
SINK_EXPIRED = Fault(
    name="sink-certificate-expired",
    truth=Truth(("sink",), (("certificate",), ("expired",))),
    seed=lambda ground: ground.downstream.serve(pair=ground.downstream.papers.expired),
    undo=deeds.serve,
    seen=reason(link_of("uplink", "sink"), "expired"),
    follows=("uplink",),
    within=45,
)
SINK_REFUSES = Fault(
    name="sink-refuses-token",
    truth=Truth(("sink",), (("401", "token"),)),
    seed=lambda ground: ground.downstream.serve(token="another-one"),  # noqa: S106 - a made-up one
    undo=deeds.serve,
    seen=reason(link_of("uplink", "sink"), "401"),
    follows=("uplink",),
    within=45,
)
SINK_UNNAMED = Fault(
    name="sink-name-unknown",
    truth=Truth(("sink", "dns"), (("sink.exmaple", "name"),)),
    seed=deployed(deeds.misspelt),
    undo=as_declared,
    seen=reason(link_of("uplink", "sink"), "name"),
    follows=("uplink", "network", "dns"),
    within=45,
)
OTHER_OWNER = Fault(
    name="secret-of-somebody-else",
    truth=Truth(("other-owner", "secrets"), (("downstream",), ("somebody", "else", "own", "label", "managed"))),
    seed=kubectl("label", "secret", "downstream", "-n", "vision", "app.kubernetes.io/managed-by-"),
    undo=kubectl(
        "label", "secret", "downstream", "-n", "vision", "app.kubernetes.io/managed-by=edgectl", "--overwrite"
    ),
    seen=lambda ground: (
        "managed-by=edgectl" not in ground.node.kubectl("get", "secret", "downstream", "-n", "vision", "--show-labels")
    ),
    follows=("releases",),
)
SECRET_CHANGED = Fault(
    name="secret-changed-by-hand",
    truth=Truth(("secrets",), (("downstream", "TOKEN"),)),
    seed=deeds.other_token,
    undo=deeds.own_token,
    seen=reason(link_of("uplink", "sink"), "401"),
    follows=("sink", "uplink"),
    within=60,
)
