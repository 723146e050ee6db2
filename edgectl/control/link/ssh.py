"""paramiko, imported without what edgectl never asks of it.

Owns one import. paramiko imports `invoke` for `Match exec` of an ssh_config, which edgectl does not read; that brings
asyncio, unittest.mock and a YAML of its own along, a third of the import's time. Where it is missing, paramiko does
without (paramiko/config.py).
"""

from __future__ import annotations

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules
_absent = "invoke" not in _modules
if _absent:
    _modules["invoke"] = None
try:
    import paramiko
    from paramiko.auth_handler import AuthHandler
    from paramiko.common import cMSG_CHANNEL_REQUEST, cMSG_GLOBAL_REQUEST
finally:
    if _absent:
        del _modules["invoke"]

__all__ = ["AuthHandler", "cMSG_CHANNEL_REQUEST", "cMSG_GLOBAL_REQUEST", "paramiko"]
