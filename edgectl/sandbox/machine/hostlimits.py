"""Kernel settings that all nodes share with the host: raised for the first store, put back after the last.

Owns: which ones, and what they were. The record lies under /run, which ends with the boot, as the settings do.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgectl.sandbox.machine.places import HOST_STATE

# inotify's limits count per user, and root is one user on all nodes together.
_RAISED = {"fs/inotify/max_user_instances": 8192, "fs/inotify/max_user_watches": 524288}
# A kubelet sets these for its node and thereby for the host.
_KEPT = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops")
_KEYS = ("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes")
_RECORD = HOST_STATE / "sysctls.json"


def raise_limits() -> None:
    """Note what the settings are (once), then raise what nodes need more of."""
    if not _RECORD.exists():
        HOST_STATE.mkdir(exist_ok=True)
        names = (*_RAISED, *_KEPT, *_KEYS)
        _RECORD.write_text(json.dumps({name: text for name in names if (text := _read(name))}))
    for name, wanted in _RAISED.items():
        if int(_read(name) or wanted) < wanted:
            _file(name).write_text(str(wanted))


def restore_limits() -> None:
    """Put back what was noted."""
    if _RECORD.exists():
        for name, text in json.loads(_RECORD.read_text()).items():
            if _read(name) != text:
                _file(name).write_text(text)
        _RECORD.unlink()


def _file(name: str) -> Path:
    return Path("/proc/sys") / name


def _read(name: str) -> str:
    try:
        return _file(name).read_text().strip()
    except OSError:
        return ""
