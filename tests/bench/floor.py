"""The floor of a no-op deploy: one SSH connection, one exec, and a look run on the node itself.

A program of its own, so that both sides pay for their Python: `python -m tests.bench.floor HOST PORT KEY HOSTKEY`.
Plain paramiko, as its own documentation shows it; nothing of edgectl's link.
"""

from __future__ import annotations

import base64
import sys

import paramiko


def main(host: str, port: str, key: str, host_key: str) -> int:
    """Connect, run `edgectl-node status`, read all of it; returns its exit code."""
    kind, data = host_key.split()[:2]
    client = paramiko.SSHClient()
    name = f"[{host}]:{port}"
    client.get_host_keys().add(name, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(data)))
    client.connect(host, int(port), "root", key_filename=key, allow_agent=False, look_for_keys=False)
    _, out, _ = client.exec_command("edgectl-node status")
    out.read()
    code = out.channel.recv_exit_status()
    client.close()
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
