"""The thirty questions: twenty single faults, six independent pairs, four pairs of which one hides the other."""

from __future__ import annotations

from tests.doctor import host_faults as host
from tests.doctor import stack_faults as stack
from tests.doctor.fault import Fault, Question

SINGLE: tuple[Fault, ...] = (
    host.DISK_FULL,
    host.READ_ONLY,
    host.CABLE_OUT,
    host.K3S_STOPPED,
    host.K3S_BINARY,
    host.K3S_CONFIG,
    host.API_CERTIFICATE,
    host.CORDONED,
    host.PAUSED,
    host.RUN_HANGS,
    stack.GPU_LOST,
    stack.UVM_MISSING,
    stack.PLUGIN_CRASHES,
    stack.GPU_COMPUTES_WRONGLY,
    stack.MODEL_CORRUPT,
    stack.INFERENCE_OOM,
    stack.DNS_DOWN,
    stack.SINK_EXPIRED,
    stack.CAMERA_SILENT,
    stack.SECRET_CHANGED,
)
PAIRS: tuple[Question, ...] = (
    Question((stack.IMAGE_MISSING, stack.SINK_REFUSES)),
    Question((host.DISK_FULL, stack.SINK_EXPIRED)),
    Question((stack.MODEL_CORRUPT, stack.UPLINK_DOWN)),
    Question((host.PAUSED, stack.BUS_DOWN), firsts=("paused", "bus-down")),
    Question((host.UNIT_EDITED, stack.SINK_UNNAMED)),
    Question((host.HEALING_OFF, stack.OTHER_OWNER), firsts=("healing-off", "secret-of-somebody-else")),
)
HIDING: tuple[Question, ...] = (
    Question((host.K3S_STOPPED, stack.BUS_DOWN), hidden=True),
    Question((stack.GPU_LOST, stack.GPU_COMPUTES_WRONGLY), hidden=True),
    Question((host.CABLE_OUT, stack.SINK_REFUSES), hidden=True),
    Question((host.API_HANGS, host.CORDONED), hidden=True),
)
QUESTIONS: tuple[Question, ...] = (*(Question((fault,)) for fault in SINGLE), *PAIRS, *HIDING)
SAMPLE = ("k3s-binary-replaced", "sink-certificate-expired", "model-corrupt and uplink-down")  # CI asks these
