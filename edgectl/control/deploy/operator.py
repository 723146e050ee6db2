"""Who presses the button, and from which commit. Shown to people; the node judges nothing by it."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from pathlib import Path

from edgectl.wire.envelope import Sender

_GIT_SECONDS = 10


def sender(key: str = "") -> Sender:
    """Return this person (or CI job) and machine; `key` is the SSH key's fingerprint."""
    user = os.environ.get("GITHUB_ACTOR") or os.environ.get("GITLAB_USER_LOGIN") or getpass.getuser()
    return Sender(user, socket.gethostname(), key)


def commit_of(inventory: Path) -> tuple[str, str]:
    """Return (commit, subject) of the repository that holds the inventory; ("", "") outside one."""
    argv = ["git", "-C", str(inventory.resolve().parent), "log", "-1", "--format=%H%n%s"]
    try:
        found = subprocess.run(argv, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "", ""
    if found.returncode != 0:
        return "", ""
    commit, _, subject = found.stdout.partition("\n")
    return commit.strip(), subject.strip()
