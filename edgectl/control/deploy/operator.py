"""Who presses the button, and from which commit. Shown to people; the node judges nothing by it."""

from __future__ import annotations

import base64
import getpass
import hashlib
import os
import socket
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from edgectl.wire.envelope import Sender

_GIT_SECONDS = 10
_GIT_READS = ("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES")


def sender(key: str = "") -> Sender:
    """Return this person (or CI job) and machine; `key` is the SSH key's fingerprint."""
    user = os.environ.get("GITHUB_ACTOR") or os.environ.get("GITLAB_USER_LOGIN") or getpass.getuser()
    return Sender(user, socket.gethostname(), key)


def asker() -> str:
    """Return them as a question to a node names them: ada@laptop."""
    me = sender()
    return f"{me.user}@{me.host}"


def fingerprint(keys: Iterable[Path]) -> str:
    """Return the fingerprint (SHA256:...) of the first key whose public half lies beside it, "" when none does."""
    for key in keys:
        with suppress(OSError, IndexError, ValueError):
            words = key.with_name(f"{key.name}.pub").read_text(encoding="ascii").split()
            digest = hashlib.sha256(base64.b64decode(words[1], validate=True)).digest()
            return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    return ""


def commit_of(inventory: Path) -> tuple[str, str]:
    """Return (commit, subject) of the repository that holds the inventory; ("", "") outside one."""
    argv = ["git", "-C", str(inventory.resolve().parent), "log", "-1", "--format=%H%n%s"]
    # Not all of the environment: secrets of the inventory may stand in it.
    env = {name: value for name, value in os.environ.items() if name in _GIT_READS or name.startswith("GIT_CONFIG")}
    try:
        found = subprocess.run(argv, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False, env=env)
    except (OSError, subprocess.TimeoutExpired):
        return "", ""
    if found.returncode != 0:
        return "", ""
    commit, _, subject = found.stdout.partition("\n")
    return commit.strip(), subject.strip()
