"""Who may log in from the first boot on: the declared public keys, or those beside the private keys of `ssh.keys`.

Owns reading them. A private key file is never opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from edgectl.control.inventory.place import Finding, Place, invalid
from edgectl.control.inventory.publickey import login_key_error
from edgectl.control.inventory.store import NodeTarget, Store

_ODD = re.compile(r"[^A-Za-z0-9@._+ -]+")  # of a comment: nothing that an installer's language could take for more


def logins(store: Store, node: NodeTarget) -> tuple[str, ...]:
    """Return the lines of authorized_keys, each once; InvalidInput lists the key files without a public half."""
    declared = node.install.keys if node.install else ()
    if declared:
        return _each_once(declared)
    found: list[str] = []
    findings: list[Finding] = []
    for index, file in enumerate(node.ssh.keys):
        line = _public(file)
        if isinstance(line, Exception):
            findings.append(Finding(_place(store, node.name, index), f"ssh.keys: {line}"))
        else:
            found.append(line)
    if findings:
        raise invalid(store.source, findings)
    return _each_once(found)


def _each_once(lines: Iterator[str] | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    by_key: dict[tuple[str, str], str] = {}
    for line in lines:
        kind, text, *comment = line.split(maxsplit=2)
        by_key.setdefault((kind, text), " ".join((kind, text, *(_ODD.sub("?", one).strip() for one in comment))))
    return tuple(by_key.values())


def _public(file: Path) -> str | Exception:
    """Return the public half that lies beside a private key file, or why there is none."""
    beside = Path(f"{file.expanduser()}.pub")
    again = f"make it of the private one (ssh-keygen -y -f {file} > {file}.pub), or say install.keys"
    try:
        line = beside.read_text("utf-8").strip()
    except FileNotFoundError:
        return ValueError(f"who may log in? {file}.pub is not there: {again}")
    except (OSError, ValueError) as error:
        return ValueError(f"{file}.pub cannot be read ({error}): {again}")
    wrong = login_key_error(line) if "\n" not in line else "one key is needed, not several lines"
    return ValueError(f"{file}.pub: {wrong}") if wrong else line


def _place(store: Store, node: str, index: int) -> Place:
    own = store.tree.get("nodes", node, "ssh", "keys") is not None
    return store.place("nodes", node, "ssh", "keys", index) if own else store.place("ssh", "keys", index)
