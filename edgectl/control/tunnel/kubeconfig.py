"""The file that programs find the tunnel by: a kubeconfig of its own, for its owner alone.

Owns: its form and its place. It replaces no file that edgectl has not written. Must not know how the tunnel is made.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from edgectl.control.staging import staged
from edgectl.control.tunnel.access import Access
from edgectl.wire.errors import InvalidInput

_FIRST = "# edgectl tunnel: goes when it ends\n"


def usual(store: str, port: int) -> Path:
    """Return where it lies when nobody says otherwise: each tunnel has its own."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    return state / "edgectl" / "tunnels" / f"{store}-{port}.yaml"


def check(path: Path) -> None:
    """Raise InvalidInput where a file lies that is somebody else's."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.readline()
    except FileNotFoundError:
        return
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror}", hint="name another file: --kubeconfig"
        ) from error
    if first != _FIRST:
        raise InvalidInput(
            f"{path} is there already and is no tunnel's: it is left alone", hint="name another file: --kubeconfig"
        )


def text(store: str, access: Access, port: int) -> str:
    """Return the kubeconfig, JSON being YAML: the API behind a port of this machine, with the cluster's own CA."""
    cluster = {
        "server": f"https://127.0.0.1:{port}",
        "tls-server-name": access.server_name,
        "certificate-authority-data": base64.b64encode(access.ca.encode()).decode(),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": store, "cluster": cluster}],
        "users": [{"name": f"{store}-reader", "user": {"token": access.token.reveal()}}],
        "contexts": [{"name": store, "context": {"cluster": store, "user": f"{store}-reader"}}],
        "current-context": store,
    }
    return _FIRST + json.dumps(document, indent=2) + "\n"


def write(path: Path, content: str) -> None:
    """Write it, readable by its owner alone; InvalidInput says why it cannot be."""
    check(path)
    try:
        with staged(path, mode=0o600) as file:
            file.write(content.encode())
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be written: {error.strerror}", hint="name another file: --kubeconfig"
        ) from error


def remove(path: Path) -> None:
    """Take it away; one that is gone, or that somebody has replaced, is left."""
    try:
        check(path)
        path.unlink(missing_ok=True)
    except (InvalidInput, OSError):
        return
