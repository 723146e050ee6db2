"""How faults of a node's own system are made where one line of shell does not do. Owns no fault."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.doctor.fault import Ground
from tests.doctor.hands import back, kept, shell
from tests.e2e.node import CONVERGE

LOCK = "/run/edgectl/lock"
_TLS = "/var/lib/rancher/k3s/server/tls"
_SERVING = f"{_TLS}/serving-kube-apiserver.crt"
renew = shell(back(_SERVING))


def cordon(ground: Ground) -> None:
    """Let no new pod onto the node, with one that needs to go there."""
    ground.node.kubectl("cordon", "node-1")
    ground.node.kubectl("delete", "pod", "-n", "vision", "-l", "app.kubernetes.io/name=inference", "--wait=false")


def hang(ground: Ground) -> None:
    """Stop the engine in the middle of a heal; its note says that it has begun yesterday."""
    node = ground.node
    node.wait("no run is going on", node.idle)
    node.sh(f"systemctl start --no-block {CONVERGE}")
    node.wait("it holds the lock", lambda: node.sh(f"cat {LOCK}") != "", seconds=20, every=0.02)
    node.sh(f"systemctl kill -s STOP {CONVERGE}")
    note = json.loads(node.sh(f"cat {LOCK}"))
    note["since"] = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    node.run("sh", "-c", f"cat > {LOCK}", stdin=json.dumps(note, separators=(",", ":")))


def let_go(ground: Ground) -> None:
    """End the engine that hangs."""
    ground.node.sh(f"systemctl kill -s KILL {CONVERGE}; sleep 1; systemctl reset-failed {CONVERGE} || true")


def expire(ground: Ground) -> None:
    """Sign the API's certificate anew with k3s's own authority, for a week that is over; it is read again by itself."""
    node = ground.node
    old = x509.load_pem_x509_certificate(node.sh(f"cat {_SERVING}").encode())
    issuer = x509.load_pem_x509_certificate(node.sh(f"cat {_TLS}/server-ca.crt").encode())
    key = serialization.load_pem_private_key(node.sh(f"cat {_TLS}/server-ca.key").encode(), None)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number)
    builder = builder.not_valid_before(now - timedelta(days=372)).not_valid_after(now - timedelta(days=7))
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    made = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]
    form = serialization.Encoding.PEM
    text = (made.public_bytes(form) + issuer.public_bytes(form)).decode()
    node.sh(kept(_SERVING))
    node.run(
        "sh", "-c", f"cat > {_SERVING}.new && chmod 644 {_SERVING}.new && mv {_SERVING}.new {_SERVING}", stdin=text
    )
