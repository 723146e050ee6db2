"""What k3s's answers say: for each row of the contract what differs, "" where the row holds. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_CUT = "---\n"
_FILES = {"traefik": "traefik.yaml", "local-storage": "local-storage.yaml", "metrics-server": "metrics-server"}
_PAUSE = "/rancher/mirrored-pause:"
_PINNED = "io.cri-containerd.pinned=pinned"
_SCALAR = re.compile(r"([A-Za-z]\w*): *\"?([^\s\"#]+)\"? *(?:#.*)?")


def version(text: str) -> str:
    """`k3s --version`."""
    said = re.match(r"k3s version v1\.\d+\.\d+[+]k3s\d+ \(\S+\)\ngo version go", text)
    return "" if said else f"it says {text.strip()!r:.120}"


def credentials(text: str) -> str:
    """How many PEM blocks are in each file, the key's mode, and who the API says that this is."""
    found = re.match(r"[1-9]\d*\n[1-9]\d*\n[1-9]\d*\n(\d+)\n", text)
    if found is None:
        return "a certificate or key is no PEM file"
    if found[1] != "600":
        return f"the administrator's key has mode {found[1]}"
    return "" if "system:masters" in text else "they do not give the administrator's access"


def server_token(text: str) -> str:
    """Its form, its mode, and whether both files have it; the token itself is not said."""
    lines = text.splitlines()
    if lines[:1] != ["of this authority"]:
        return "it is of another form, or of another authority"
    if lines[1:2] != ["600"]:
        return f"its mode is {''.join(lines[1:2])}"
    return "" if lines[2:] == ["the same"] else "node-token is another one"


def kubeconfig(text: str) -> str:
    """Its mode, the server that it names, and the mode that k3s's configuration asks for."""
    lines = text.splitlines()
    asked = re.findall(r"write-kubeconfig-mode['\"]?: *['\"]?0?([0-7]+)", text)
    if not lines or lines[0] != (asked[-1] if asked else "600"):
        return f"its mode is {''.join(lines[:1])}, and {asked[-1] if asked else '600'} is asked for"
    return "" if "server: https://127.0.0.1:6443" in text else "it names another server"


def client_certificate(text: str) -> str:
    """Two HTTP codes."""
    return "" if text.split() == ["401", "200"] else f"it answers {' and '.join(text.split()) or 'nothing'}"


def unpacked(text: str) -> str:
    """Judge the shim's path, and a word for the socket."""
    lines = text.splitlines()
    if not lines or not lines[0].endswith("containerd-shim-runc-v2"):
        return "there is no shim"
    return "" if lines[-1] == "a socket" else "there is no socket of containerd"


def kubelet_version(text: str) -> str:
    """`k3s --version`, the node's kubelet, and the API's version."""
    lines = text.splitlines()
    found = re.search(r'"gitVersion": *"([^"]+)"', text)
    own = re.match(r"k3s version (\S+)", text)
    said = [own[1] if own else "", "".join(lines[2:3]), found[1] if found else ""]
    return "" if said[0] and len(set(said)) == 1 else f"k3s, the kubelet and the API say {', '.join(said)}"


def node_args(text: str) -> str:
    """Judge what the node bears, as JSON; whether a secret is in it was looked at on the node."""
    found = _json(text)
    args, labels = found.get("args") or [], found.get("labels") or {}
    if args[:1] != ["server"]:
        return "its arguments do not begin with server"
    values = [args[at + 1] for at, word in enumerate(args[:-1]) if word == "--token"]
    if found.get("secret") or any(value != "********" for value in values):
        return "a secret stands in what the node bears"
    declared = [args[at + 1] for at, word in enumerate(args[:-1]) if word == "--node-label"]
    lost = [label for pair in declared for label in pair.split(",") if not _has(labels, label)]
    if lost:
        return f"the label {lost[0]} is not on the node"
    if labels.get("node-role.kubernetes.io/control-plane") != "true":
        return "it does not bear the server's role"
    if labels.get("node.kubernetes.io/instance-type") != "k3s":
        return "its instance type is another one"
    return "" if found.get("hash") else "it bears no hash of its configuration"


def kubelet_drop_ins(text: str) -> str:
    """Judge the drop-ins' names, the last of them, and what the kubelet says that it runs with."""
    names, last, runs = (*text.split(_CUT), "", "", "")[:3]
    if "00-k3s-defaults.conf" not in names.split():
        return "k3s's own defaults are not among them"
    config = _json(runs).get("kubeletconfig") or {}
    wanted = {match[1]: match[2] for line in last.splitlines() if (match := _SCALAR.fullmatch(line))}
    asked = {key: value for key, value in wanted.items() if key not in {"apiVersion", "kind"}}
    if not config:
        return "the kubelet does not say with what it runs"
    lost = [key for key, value in asked.items() if str(config.get(key)).lower() != value.lower()]
    return f"{lost[0]} is {config.get(lost[0])!r}, and a drop-in says {asked[lost[0]]}" if lost else ""


def runtime_class(text: str) -> str:
    """Its handler."""
    return "" if text.strip() == "nvidia" else f"its handler is {text.strip()!r:.60}"


def disabled(text: str) -> str:
    """Judge the names of the manifests, and the node's arguments."""
    names, _, rest = text.partition(_CUT)
    there, args = set(names.split()), _json(rest).get("args") or []
    out = {name for at, word in enumerate(args[:-1]) if word == "--disable" for name in args[at + 1].split(",")}
    if not {"coredns.yaml", "runtimes.yaml"} <= there and "coredns" not in out:
        return "k3s's own manifests are not there"
    left = [name for name in sorted(out) if _FILES.get(name) in there]
    return f"{left[0]} is disabled, and its manifest is there" if left else ""


def coredns(text: str) -> str:
    """How many replicas are available."""
    return "" if text.strip().isdecimal() and int(text) else "none of its pods is available"


def images_at_start(text: str) -> str:
    """Judge the names of all images."""
    return "" if _PAUSE in text else "k3s's pause image is not there"


def images_pinned(text: str) -> str:
    """All images with their labels."""
    lines = [line for line in text.splitlines() if _PAUSE in line.split(" ")[0]]
    if not lines:
        return "k3s's pause image is not there"
    return "" if all(_PINNED in line for line in lines) else "k3s's pause image is not pinned"


def _has(labels: dict[str, str], pair: str) -> bool:
    key, _, value = pair.partition("=")
    return labels.get(key) == value


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
