"""Where k3s keeps its files, and who may read them."""

from __future__ import annotations

import hashlib
import re

from tests.contract.bench import DATA, PASSWORD, Bench
from tests.contract.row import Row


def version(bench: Bench) -> None:
    first, second = bench.server.sh("k3s --version").out.splitlines()[:2]
    assert re.fullmatch(r"k3s version v1\.\d+\.\d+[+]k3s\d+ \(\S+\)", first), first
    assert second.startswith("go version go"), second


def credentials(bench: Bench) -> None:
    tls = f"{DATA}/server/tls"
    for name in ("client-admin.crt", "client-admin.key", "server-ca.crt"):
        assert "-----BEGIN" in bench.server.read(f"{tls}/{name}")
    assert bench.server.mode(f"{tls}/client-admin.key") == "600"
    subject = bench.server.sh(f"k3s kubectl --kubeconfig {DATA}/server/cred/admin.kubeconfig auth whoami -o json").out
    assert "system:masters" in subject


def server_token(bench: Bench) -> None:
    token = bench.server.read(f"{DATA}/server/token").strip()
    ca = bench.server.sh(f"cat {DATA}/server/tls/server-ca.crt").out.encode()
    assert token == f"K10{hashlib.sha256(ca).hexdigest()}::server:{PASSWORD}"
    assert bench.server.mode(f"{DATA}/server/token") == "600"
    assert bench.server.read(f"{DATA}/server/node-token").strip() == token


def kubeconfig(bench: Bench) -> None:
    assert bench.server.mode("/etc/rancher/k3s/k3s.yaml") == "640"
    assert "server: https://127.0.0.1:6443" in bench.server.read("/etc/rancher/k3s/k3s.yaml")


def client_certificate(bench: Bench) -> None:
    tls = f"{DATA}/server/tls"
    ask = f"curl -s -m 10 -o /dev/null -w '%{{http_code}}' --cacert {tls}/server-ca.crt"
    with_certificate = f"--cert {tls}/client-admin.crt --key {tls}/client-admin.key"
    assert bench.server.sh(f"{ask} https://127.0.0.1:6443/readyz").out == "401"
    assert bench.server.sh(f"{ask} {with_certificate} https://127.0.0.1:6443/readyz").out == "200"


def certificates_stay(bench: Bench) -> None:
    ask = f"sha256sum {DATA}/server/tls/client-admin.crt {DATA}/server/tls/server-ca.crt"
    before = bench.server.sh(ask).out
    bench.restart()
    assert bench.server.sh(ask).out == before


def unpacked(bench: Bench) -> None:
    assert bench.server.exists(f"{DATA}/data/current/bin/containerd-shim-runc-v2")
    assert bench.server.exists("/run/k3s/containerd/containerd.sock")


ROWS = (
    Row(
        "version",
        "`k3s --version` says `k3s version vX.Y.Z+k3sN (commit)`, then Go's version",
        "k3s `pkg/version/version.go`, `pkg/cli/cmds/root.go`",
        version,
    ),
    Row(
        "credentials",
        "`server/tls/client-admin.{crt,key}` and `server-ca.crt` give the administrator's access",
        "k3s `pkg/daemons/config/types.go` (ControlRuntime), `pkg/daemons/control/deps/deps.go`",
        credentials,
    ),
    Row(
        "server-token",
        "`server/token` is `K10<sha256 of server-ca.crt>::server:<password>`, 0600; `node-token` is the same",
        "k3s `pkg/clientaccess/token.go` (FormatToken); docs.k3s.io/cli/token",
        server_token,
    ),
    Row(
        "kubeconfig",
        "`/etc/rancher/k3s/k3s.yaml` has the mode of `write-kubeconfig-mode` and names 127.0.0.1:6443",
        "docs.k3s.io/cluster-access",
        kubeconfig,
    ),
    Row(
        "client-certificate",
        "`/readyz` answers 401 without a client certificate, 200 with the administrator's",
        "k3s `pkg/daemons/control/server.go` (anonymous-auth=false)",
        client_certificate,
    ),
    Row(
        "unpacked",
        "`data/current/bin` holds the shim; containerd's socket is `/run/k3s/containerd/containerd.sock`",
        "k3s `cmd/k3s/main.go` (extract), `pkg/agent/config/config.go`",
        unpacked,
    ),
    Row(
        "certificates-stay",
        "a restart issues no certificate anew that has more than 120 days left",
        "docs.k3s.io/cli/certificate",
        certificates_stay,
    ),
)
