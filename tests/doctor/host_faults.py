"""Faults of a node's own system: its disk, its network, its units, k3s, and whoever has a hand on it."""

from __future__ import annotations

from tests.doctor import host_deeds as deeds
from tests.doctor.fault import Fault, Truth
from tests.doctor.hands import back, holds, kept, kubectl, shell

_BIG = "/var/lib/edgectl-exam-fill"
_OURS = "/var/lib/edgectl"
_K3S = "/usr/local/bin/k3s"
_CONFIG = "/etc/rancher/k3s/config.yaml"
_UNIT = "/etc/systemd/system/k3s.service"
ALL_ABOVE = (
    *("node", "images", "gpu", "gpu-plugin", "gpu-proof", "models", "secrets", "bus", "inference", "camera"),
    *("uplink", "sink", "dns", "releases"),
)
CLUSTER = ("k3s", "api", *ALL_ABOVE)  # what cannot be looked at, or ends, where Kubernetes is not there

DISK_FULL = Fault(
    name="disk-full",
    truth=Truth(("disk",), (("free", "full", "space", "MiB"),)),
    # 900 MiB stay: less than the 4 GiB that are declared, and more than the kubelet needs to leave pods alone
    seed=shell(f"fallocate -l $(( $(df -P -B1 /var/lib | awk 'NR == 2 {{ print $4 }}') - 943718400 )) {_BIG}"),
    undo=shell(f"rm -f {_BIG}"),
    seen=holds("[ $(df -P -k /var/lib | awk 'NR == 2 { print $4 }') -lt 1048576 ]"),
    follows=("host", "uplink"),
)
READ_ONLY = Fault(
    name="disk-read-only",
    truth=Truth(("disk",), (("read-only", "cannot be written", "read only", "not writable"),)),
    # the root itself has files that are open for writing, which the kernel does not allow; a mount over it has none
    seed=shell(f"mount --bind {_OURS} {_OURS} && mount -o remount,bind,ro {_OURS}"),
    undo=shell(f"umount -l {_OURS}"),
    seen=holds("! touch /var/lib/edgectl/exam 2>/dev/null"),
    follows=("host", "run", "models", "k3s", "uplink"),
)
CABLE_OUT = Fault(
    name="cable-out",
    truth=Truth(("network",), (("route", "cable", "carrier", "link", "interface", "eth0", "edgectl0"),)),
    seed=shell("ip link set eth0 down"),
    undo=shell(
        ". /etc/sandbox-net.env; ip link set eth0 up; ip addr replace $ADDRESS dev eth0; "
        "ip route replace default via $GATEWAY dev eth0"
    ),
    seen=holds("! ip route show default | grep -q eth0"),
    follows=("sink", "uplink", "dns", "line", "host", "node", "clock"),
)
K3S_STOPPED = Fault(
    name="k3s-stopped",
    truth=Truth(("k3s",), (("stopped", "inactive", "not run", "does not run", "not active", "is down"),)),
    seed=shell("systemctl stop k3s"),
    undo=shell("systemctl start --no-block k3s"),
    seen=holds("! systemctl is-active -q k3s"),
    follows=CLUSTER,
)
K3S_BINARY = Fault(
    name="k3s-binary-replaced",
    truth=Truth(("k3s",), (("binary", "program", "build", _K3S),)),
    seed=shell(f"mv {_K3S} {_K3S}.exam; printf '#!/bin/sh\\nexit 1\\n' > {_K3S}; chmod 755 {_K3S}"),
    undo=shell(f"mv {_K3S}.exam {_K3S}"),
    seen=holds(f"! {_K3S} --version"),
    follows=("host",),
)
K3S_CONFIG = Fault(
    name="k3s-does-not-start",
    truth=Truth(("k3s",), (("config.yaml",),)),
    seed=shell(f"{kept(_CONFIG)}; echo 'kubelet-arg: [no-such-flag=1]' >> {_CONFIG}; systemctl restart --no-block k3s"),
    undo=shell(f"{back(_CONFIG)}; systemctl reset-failed k3s || true; systemctl restart --no-block k3s"),
    seen=holds("[ $(systemctl show -P NRestarts k3s) -ge 1 ] || systemctl is-failed -q k3s"),
    follows=CLUSTER,
    within=150,  # it is stopped first, and its pods' programs with it
)
UNIT_EDITED = Fault(
    name="unit-edited",
    truth=Truth(("k3s", "host", "run"), (("k3s.service",),)),
    seed=shell(f"{kept(_UNIT)}; sed -i 's/^Restart=.*/Restart=no/' {_UNIT}; systemctl daemon-reload"),
    undo=shell(f"{back(_UNIT)}; systemctl daemon-reload"),
    seen=holds("[ $(systemctl show -P Restart k3s) = no ]"),
)
HEALING_OFF = Fault(
    name="healing-off",
    truth=Truth(("run", "host"), (("edgectl-heal", "timer"),)),
    seed=shell("systemctl disable --now edgectl-heal.timer"),
    undo=shell("systemctl enable --now edgectl-heal.timer"),
    seen=holds("! systemctl is-enabled -q edgectl-heal.timer && ! systemctl is-active -q edgectl-heal.timer"),
)
API_CERTIFICATE = Fault(
    name="api-certificate-expired",
    truth=Truth(("api", "k3s"), (("certificate",), ("expired", "not valid", "ended", "2025", "2026"))),
    seed=deeds.expire,
    undo=deeds.renew,
    seen=holds("k3s kubectl --request-timeout=5s get --raw /readyz 2>&1 | grep -q 'expired'"),
    follows=CLUSTER,
    within=90,
)
API_HANGS = Fault(
    name="api-hangs",
    truth=Truth(("api", "k3s"), (("answer", "respond", "hang", "timed out", "in time"),)),
    seed=shell("pkill -STOP -f '[k]ube-apiserver.*--advertise-address'"),
    undo=shell("pkill -CONT -f '[k]ube-apiserver.*--advertise-address'"),
    seen=holds("! k3s kubectl --request-timeout=2s get --raw /readyz"),
    follows=CLUSTER,
)
PAUSED = Fault(
    name="paused",
    truth=Truth(("paused",), (("a new shelf", "paused"),), noted=True),
    seed=shell("edgectl-node pause --for 2h --why 'a new shelf comes'"),
    undo=shell("edgectl-node resume"),
    seen=holds("grep -q 'new shelf' /var/lib/edgectl/pause.json"),
    follows=("run",),
)
RUN_HANGS = Fault(
    name="run-hangs",
    truth=Truth(("run",), (("run", "lock", "heal", "hang"),)),
    seed=deeds.hang,
    undo=deeds.let_go,
    seen=holds(f"! flock -n {deeds.LOCK} true"),
    follows=("line",),
)
CORDONED = Fault(
    name="node-cordoned",
    truth=Truth(("node",), (("cordon", "unschedulable", "schedul", "drain", "no pods", "new pods"),)),
    seed=deeds.cordon,
    undo=kubectl("uncordon", "node-1"),
    seen=holds("k3s kubectl get pods -n vision -l app.kubernetes.io/name=inference | grep -q Pending"),
    follows=("inference", "releases", "camera", "models", "bus", "uplink", "gpu"),
)
