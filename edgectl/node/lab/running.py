"""What edgectl relies on in k3s and a store that runs can be asked: scripts that only read.

Owns: the list, and each row's script. What it has said, `said` judges.
"""

from __future__ import annotations

from edgectl.node.lab import said
from edgectl.node.lab.row import Row

_K3S = "/var/lib/rancher/k3s"
_BOOT = "$(cat /proc/sys/kernel/random/boot_id)"
_OURS = f'.items[?(@.status.nodeInfo.bootID==\\"{_BOOT}\\")].metadata.name'
_NAME = f'name=$(k3s kubectl get nodes -o jsonpath="{{{_OURS}}}")'
_READYZ = f"""python3 -I - <<'END'
import ssl, urllib.error, urllib.request
tls = "{_K3S}/server/tls/"
for pair in ((), (tls + "client-admin.crt", tls + "client-admin.key")):
    context = ssl.create_default_context(cafile=tls + "server-ca.crt")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if pair:
        context.load_cert_chain(*pair)
    handlers = urllib.request.ProxyHandler({{}}), urllib.request.HTTPSHandler(context=context)
    opener = urllib.request.build_opener(*handlers)
    try:
        print(opener.open("https://127.0.0.1:6443/readyz", timeout=10).status)
    except urllib.error.HTTPError as error:
        print(error.code)
END"""
_ARGUMENTS = f"""{_NAME}
k3s kubectl get node "$name" -o json | python3 -Ic 'import json, sys
meta = json.load(sys.stdin)["metadata"]
secret = open("{_K3S}/server/token").read().strip().rpartition(":")[2]
notes = meta.get("annotations") or {{}}
print(json.dumps({{
    "args": json.loads(notes.get("k3s.io/node-args", "[]")), "hash": notes.get("k3s.io/node-config-hash", ""),
    "labels": meta.get("labels") or {{}}, "secret": secret in json.dumps(meta)}}))'"""
_KUBELET = f"""cd {_K3S}/agent/etc/kubelet.conf.d && ls
{_NAME}
for last in *; do :; done
echo ---; [ "$last" = 00-k3s-defaults.conf ] || cat "$last"
echo ---; k3s kubectl get --raw "/api/v1/nodes/$name/proxy/configz"
"""

ROWS: tuple[Row, ...] = (
    Row(
        "version",
        "`k3s --version` says `k3s version vX.Y.Z+k3sN (commit)`, then Go's version",
        "k3s `pkg/version/version.go`, `pkg/cli/cmds/root.go`",
        "k3s --version",
        said.version,
    ),
    Row(
        "credentials",
        "`server/tls/client-admin.{crt,key}` and `server-ca.crt` give the administrator's access",
        "k3s `pkg/daemons/config/types.go` (ControlRuntime), `pkg/daemons/control/deps/deps.go`",
        f"cd {_K3S}/server/tls && for it in client-admin.crt client-admin.key server-ca.crt; do\n"
        "grep -c -e '-----BEGIN' $it; done; stat -L -c %a client-admin.key\n"
        f"k3s kubectl --kubeconfig {_K3S}/server/cred/admin.kubeconfig auth whoami -o json",
        said.credentials,
    ),
    Row(
        "server-token",
        "`server/token` is `K10<sha256 of server-ca.crt>::server:<password>`, 0600; `node-token` is the same",
        "k3s `pkg/clientaccess/token.go` (FormatToken); docs.k3s.io/cli/token",
        f"cd {_K3S}/server && token=$(cat token) && hash=$(sha256sum tls/server-ca.crt | cut -c 1-64)\n"
        'case $token in "K10$hash::server:"?*) echo of this authority;; *) echo of another form;; esac\n'
        'stat -L -c %a token; [ "$(cat node-token)" = "$token" ] && echo the same',
        said.server_token,
    ),
    Row(
        "kubeconfig",
        "`/etc/rancher/k3s/k3s.yaml` has the mode of `write-kubeconfig-mode` and names 127.0.0.1:6443",
        "docs.k3s.io/cluster-access",
        "cd /etc/rancher/k3s && stat -L -c %a k3s.yaml && grep server: k3s.yaml\n"
        "cat config.yaml config.yaml.d/*.yaml 2>/dev/null | grep write-kubeconfig-mode || true",
        said.kubeconfig,
    ),
    Row(
        "client-certificate",
        "`/readyz` answers 401 without a client certificate, 200 with the administrator's",
        "k3s `pkg/daemons/control/server.go` (anonymous-auth=false)",
        _READYZ,
        said.client_certificate,
    ),
    Row(
        "unpacked",
        "`data/current/bin` holds the shim; containerd's socket is `/run/k3s/containerd/containerd.sock`",
        "k3s `cmd/k3s/main.go` (extract), `pkg/agent/config/config.go`",
        f"ls {_K3S}/data/current/bin/containerd-shim-runc-v2; "
        "[ -S /run/k3s/containerd/containerd.sock ] && echo a socket",
        said.unpacked,
    ),
    Row(
        "kubelet-version",
        "the node's `kubeletVersion` and the API's `/version` are the version that `k3s --version` says",
        "k3s `scripts/build` (ldflags of component-base)",
        f"k3s --version\n{_NAME}\n"
        'k3s kubectl get node "$name" -o jsonpath="{.status.nodeInfo.kubeletVersion}"; echo\n'
        "k3s kubectl get --raw /version",
        said.kubelet_version,
    ),
    Row(
        "node-args",
        "the node bears k3s's arguments (secrets omitted), a hash of them, its labels and role",
        "k3s `pkg/nodeconfig/nodeconfig.go`",
        _ARGUMENTS,
        said.node_args,
    ),
    Row(
        "kubelet-drop-ins",
        "drop-ins of `agent/etc/kubelet.conf.d` come after k3s's own defaults and win",
        "docs.k3s.io/advanced (kubelet configuration drop-ins, v1.32 and later)",
        _KUBELET,
        said.kubelet_drop_ins,
    ),
    Row(
        "runtime-class",
        "the RuntimeClass `nvidia` is there from the start",
        "k3s `manifests/runtimes.yaml`; docs.k3s.io/advanced",
        "k3s kubectl get runtimeclass nvidia -o jsonpath='{.handler}'",
        said.runtime_class,
    ),
    Row(
        "disable",
        "`disable:` keeps a packaged component out",
        "docs.k3s.io/installation/packaged-components",
        f"ls {_K3S}/server/manifests\necho ---\n{_ARGUMENTS}",
        said.disabled,
    ),
    Row(
        "coredns",
        "CoreDNS runs from imported images, without a registry",
        "k3s `manifests/coredns.yaml`; docs.k3s.io/installation/airgap",
        "k3s kubectl -n kube-system get deployment coredns -o jsonpath='{.status.availableReplicas}'",
        said.coredns,
    ),
    Row(
        "images-at-start",
        "archives in `agent/images` are imported at start",
        "docs.k3s.io/installation/airgap; k3s `pkg/agent/containerd/containerd.go` (PreloadImages)",
        "k3s ctr images ls -q",
        said.images_at_start,
    ),
    Row(
        "images-pinned",
        "imported images are pinned against garbage collection",
        "k3s#8781; `pkg/agent/containerd/containerd.go`",
        "k3s ctr images ls",
        said.images_pinned,
    ),
)
